//! Environment of a handler.

use anyhow::Result;
use sigpost_qstash::{Limits, SigningKeys};
use sigpost_runtime::settings::{
    BASE_URL, MAX_BODY_BYTES, Problem, QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY, Setting,
};
use sigpost_runtime::{KeyRing, Reading, env, serve, settings};
use sigpost_store::{Database, url};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::Handlers;

/// Environment of the handlers of a deployment. Clones share the pool and the keys.
#[derive(Clone)]
pub struct Harness {
    /// Database with the records of runs. One connection is sufficient: it is used before and after the handler, and for
    /// a heartbeat every 10 s.
    pub database: Database,
    /// Keys of accepted signatures.
    pub keys: KeyRing,
    /// URLs of this handler and of follow-up jobs. Signatures must be made for the base URL plus the job's endpoint. The
    /// base URL comes from configuration, not from the request, which a caller could forge.
    pub handlers: Handlers,
    /// Maximum size of a delivery in bytes. Default 10 MB, the maximum size of a message.
    pub max_body_bytes: usize,
    /// Cancel this token to stop the process: runs in progress are cancelled, and stopped 5 s later; their messages are
    /// delivered again. By default it is never cancelled.
    pub stopping: CancellationToken,
}

impl Harness {
    /// Creates a harness with the default limits. `base_url` is the base URL of the handlers.
    pub fn new(database: Database, keys: KeyRing, base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        Self {
            database,
            keys,
            handlers: Handlers::unchecked(base_url),
            max_body_bytes: Limits::default().max_body_bytes,
            stopping: CancellationToken::new(),
        }
    }

    /// Reads `DATABASE_URL`, `DATABASE_PASSWORD` (for a URL without one), `DATABASE_CONNECTIONS` (default 3; in Lambda 1,
    /// except on managed instances), `QSTASH_CURRENT_SIGNING_KEY`, `QSTASH_NEXT_SIGNING_KEY`, `MAX_BODY_BYTES` (default
    /// 10,000,000), and the variables of [`Handlers::from_env`]. `BASE_URL` is the https URL that jobs are published to,
    /// without the endpoint. SIGTERM and SIGINT stop runs.
    ///
    /// # Errors
    ///
    /// Names all variables that are missing or invalid. Does not connect to the database.
    pub fn from_env() -> Result<Self> {
        Self::from_env_with(|_| Some(())).map(|(harness, ())| harness)
    }

    /// Reads the same variables and those of the handler, so that all errors are reported together.
    ///
    /// # Errors
    ///
    /// Names all variables that are missing or invalid.
    pub fn from_env_with<T>(read: impl FnOnce(&mut Reading) -> Option<T>) -> Result<(Self, T)> {
        let mut reading = Reading::of_process();
        let harness = Self::read(&mut reading);
        let own = read(&mut reading);
        let (harness, own) = reading.finish(harness.zip(own))?;
        harness.stop_at_signals();
        Ok((harness, own))
    }

    /// Reads the variables of [`from_env`](Self::from_env). Returns `None` if one is missing or invalid; `reading`
    /// collects the errors.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        // Three for a function that runs one job at a time: handler, heartbeat and a spare one.
        let database = url::database(reading, "handlers");
        let mut key = |setting: Setting| reading.required_as(setting, |text| settings::secret(setting.name, text));
        let (current, next) = (key(QSTASH_CURRENT_SIGNING_KEY), key(QSTASH_NEXT_SIGNING_KEY));
        // Unlike a program that only enqueues, a handler must know its own URL.
        reading.required(BASE_URL);
        let handlers = Handlers::read(reading);
        let max_body_bytes = reading.parsed(MAX_BODY_BYTES);
        if max_body_bytes == 0 {
            reading.problems.push(Problem::error(MAX_BODY_BYTES.name, "MAX_BODY_BYTES must be at least 1"));
        }
        let keys = SigningKeys { current: current?, next: next? };
        Some(Self { handlers, max_body_bytes, ..Self::new(database?, KeyRing::new(keys), "") })
    }

    /// Cancels [`stopping`](Self::stopping) at SIGTERM or SIGINT, in addition to the server's own signal handling. Does
    /// nothing in Lambda, which sends no signals, and without a runtime.
    pub fn stop_at_signals(&self) {
        if let (false, Ok(runtime)) = (env::in_lambda(), Handle::try_current()) {
            let (terminated, stopping) = (serve::terminated(), self.stopping.clone());
            runtime.spawn(async move {
                terminated.await;
                stopping.cancel();
            });
        }
    }
}
