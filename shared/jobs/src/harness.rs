//! What a handler stands on.

use anyhow::Result;
use sigpost_qstash::{Limits, SigningKeys};
use sigpost_runtime::settings::Problem;
use sigpost_runtime::{KeyRing, Reading, env, serve, settings};
use sigpost_store::{Database, url};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::Handlers;

/// Connections of a function that runs one job at a time: the handler's, the heartbeat's, one to spare.
const DATABASE_CONNECTIONS: usize = 3;

/// The deployment as its handlers see it. Clones share the pool and the keys.
#[derive(Clone)]
pub struct Harness {
    /// Where runs are recorded. One connection will do: the record of a run uses it only before the
    /// handler begins, after it has ended, and for a heartbeat every 10 s.
    pub database: Database,
    /// Whose signatures are accepted.
    pub keys: KeyRing,
    /// Where this handler is, and those of follow-up jobs. Signatures must be made for this base URL and
    /// the job's endpoint. It is from configuration and never from the request: what a caller says its
    /// target is proves nothing.
    pub handlers: Handlers,
    /// The largest delivery that is read, in bytes. Default 10 MB, as large as a message may be.
    pub max_body_bytes: usize,
    /// Cancel it when the process is to stop: runs under way are asked to leave off, and are stopped 5 s
    /// later; their messages come again. Default: nobody does.
    pub stopping: CancellationToken,
}

impl Harness {
    /// A harness with the default limits. `base_url` is what the URLs of the handlers begin with.
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

    /// Reads `DATABASE_URL`, `DATABASE_PASSWORD` (for a URL without one), `DATABASE_CONNECTIONS`
    /// (default 3, in Lambda 1 but for managed instances), `QSTASH_CURRENT_SIGNING_KEY`,
    /// `QSTASH_NEXT_SIGNING_KEY`, `MAX_BODY_BYTES` (default 10,000,000), and what [`Handlers::from_env`]
    /// reads. `BASE_URL` is the https URL that jobs are published to, without the endpoint. SIGTERM and
    /// SIGINT stop its runs.
    ///
    /// # Errors
    ///
    /// All variables that are missing or malformed, by their names. Nothing is connected to yet.
    pub fn from_env() -> Result<Self> {
        Self::from_env_with(|_| Some(())).map(|(harness, ())| harness)
    }

    /// The same with the settings of the handler itself, so that all that is wrong is reported at once.
    ///
    /// # Errors
    ///
    /// All variables that are missing or malformed, by their names.
    pub fn from_env_with<T>(read: impl FnOnce(&mut Reading) -> Option<T>) -> Result<(Self, T)> {
        let mut reading = Reading::of_process();
        let harness = Self::read(&mut reading);
        let own = read(&mut reading);
        let (harness, own) = reading.finish(harness.zip(own))?;
        harness.stop_at_signals();
        Ok((harness, own))
    }

    /// Reads what [`from_env`](Self::from_env) does. `None` if something of it is missing or malformed, which
    /// is noted.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let database = url::database(reading, DATABASE_CONNECTIONS);
        let mut key = |setting| reading.required_as(setting, |text| settings::secret(setting, text));
        let (current, next) = (key("QSTASH_CURRENT_SIGNING_KEY"), key("QSTASH_NEXT_SIGNING_KEY"));
        // Unlike a program that only enqueues, a handler must know its own URL.
        reading.required("BASE_URL");
        let handlers = Handlers::read(reading);
        let max_body_bytes = reading.parsed("MAX_BODY_BYTES", Limits::default().max_body_bytes);
        if max_body_bytes == 0 {
            reading.problems.push(Problem::error("MAX_BODY_BYTES", "MAX_BODY_BYTES must be at least 1"));
        }
        let keys = SigningKeys { current: current?, next: next? };
        Some(Self { handlers, max_body_bytes, ..Self::new(database?, KeyRing::new(keys), "") })
    }

    /// Cancels [`stopping`](Self::stopping) at SIGTERM or SIGINT. For a process that serves, which
    /// catches them, too; Lambda sends none. Without a runtime it does nothing.
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
