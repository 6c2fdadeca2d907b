//! What the dispatch function needs to know, from the environment.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sigpost_qstash::{DEV_TOKEN, Limits, SigningKeys};
use sigpost_runtime::{AddressPolicy, PushSigner, env};
use sigpost_store::url;

use crate::deduplicate::Deduplicating;
use crate::engine::{Awake, Settings};
use crate::lambda;
pub use crate::schedules::EventBridge;

/// The configuration of one dispatch process.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`, with `DATABASE_PASSWORD` if it has none. Required, and never logged.
    pub database_url: Secret,
    /// `DATABASE_CONNECTIONS`: connections to Postgres at most, besides one that listens.
    /// Default 8, in Lambda 1 (but for managed instances).
    pub database_connections: usize,
    /// `QSTASH_TOKEN`: the bearer token of the API with full scope. Required. Others are in the database.
    pub token: Secret,
    /// `API_RATE_LIMIT_PER_SECOND`: requests per second of one token to this process that are not
    /// publishes, for tokens without a limit of their own. Default: none, as is 0.
    pub api_rate_limit: Option<NonZeroU32>,
    /// `QSTASH_CURRENT_SIGNING_KEY` and `QSTASH_NEXT_SIGNING_KEY`: the keys that a database without
    /// keys starts with. Default: fresh ones. Once there are keys in the database, those count.
    pub first_keys: SigningKeys,
    /// Bounds of what a publish may ask for.
    pub limits: Limits,
    /// `ALLOW_TARGETS`: networks, addresses and hosts outside the public internet that may be pushed
    /// to, separated by commas. Default: none.
    pub address_policy: AddressPolicy,
    /// `DEDUPLICATION_WINDOW_SECONDS`: how long a deduplication id is taken, where a message does not
    /// say. Default 600, as QStash's. `DEDUPLICATION_RELEASE_ON_FAILURE`: whether it is free again when
    /// its message fails for good. Default false.
    pub deduplicating: Deduplicating,
    /// `SCHEDULE_GROUP` and what belongs to it: EventBridge Scheduler makes schedules fire. All processes
    /// of a deployment have it, or none. Default: the processes that deliver do.
    pub event_bridge: Option<EventBridge>,
    /// How the engine works; `None` accepts without delivering, for another process to deliver.
    pub engine: Option<Settings>,
}

/// A text that no log and no debug output shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Config {
    /// Reads everything; the first thing that is wrong is the error, and names its variable.
    pub fn from_env() -> Result<Self> {
        let seconds = |name, default| env::parsed(name, default).map(Duration::from_secs);
        let defaults = Settings::default();
        Ok(Self {
            database_url: Secret(url::url_from_env()?),
            database_connections: url::connections_from_env(8)?,
            token: Secret(env::required("QSTASH_TOKEN")?),
            api_rate_limit: NonZeroU32::new(env::parsed("API_RATE_LIMIT_PER_SECOND", 0)?),
            first_keys: first_keys_from_env()?,
            limits: Limits {
                max_body_bytes: env::parsed("MAX_BODY_BYTES", Limits::default().max_body_bytes)?,
                ..Limits::default()
            },
            address_policy: AddressPolicy::allowing(&env::list("ALLOW_TARGETS")?).context("ALLOW_TARGETS")?,
            deduplicating: Deduplicating {
                window: seconds("DEDUPLICATION_WINDOW_SECONDS", Deduplicating::default().window.as_secs())?,
                release_on_failure: env::parsed("DEDUPLICATION_RELEASE_ON_FAILURE", false)?,
            },
            event_bridge: EventBridge::from_env()?,
            engine: Some(checked(Settings {
                max_in_flight: env::parsed("MAX_IN_FLIGHT", defaults.max_in_flight)?,
                lease: seconds("LEASE_SECONDS", defaults.lease.as_secs())?,
                longest_attempt: seconds("LONGEST_ATTEMPT_SECONDS", defaults.longest_attempt.as_secs())?,
                grace: seconds("SHUTDOWN_GRACE_SECONDS", defaults.grace.as_secs())?,
                max_dispatchers: env::parsed("MAX_DISPATCHERS", defaults.max_dispatchers)?,
                awake: match env::in_lambda() && !env::on_managed_instances() {
                    true => Awake::InVisits,
                    false => Awake::Always,
                },
                further: env::var("AWS_LAMBDA_FUNCTION_NAME")?.map(lambda::invoke_again),
                push_signer: PushSigner::from_env()?.map(Arc::new),
                ..defaults
            })?),
        })
    }

    /// Refuses QStash's public development credentials, which anybody knows.
    pub fn refuse_dev_credentials(&self) -> Result<()> {
        ensure!(
            self.token.0 != DEV_TOKEN,
            "QSTASH_TOKEN is QStash's public development token, which anybody knows; set one of your own"
        );
        ensure!(
            !self.first_keys.is_dev(),
            "QSTASH_CURRENT_SIGNING_KEY is one of QStash's public development keys, which anybody knows; \
             leave both keys unset to have fresh ones made"
        );
        Ok(())
    }
}

fn checked(settings: Settings) -> Result<Settings> {
    ensure!(settings.max_in_flight > 0, "MAX_IN_FLIGHT must be at least 1; to accept only, use `serve --no-delivery`");
    ensure!(!settings.lease.is_zero(), "LEASE_SECONDS must be at least 1");
    ensure!(!settings.longest_attempt.is_zero(), "LONGEST_ATTEMPT_SECONDS must be at least 1");
    Ok(settings)
}

fn first_keys_from_env() -> Result<SigningKeys> {
    match (env::var("QSTASH_CURRENT_SIGNING_KEY")?, env::var("QSTASH_NEXT_SIGNING_KEY")?) {
        (Some(current), Some(next)) => {
            ensure!(
                current != next,
                "QSTASH_NEXT_SIGNING_KEY is the same as QSTASH_CURRENT_SIGNING_KEY; rotation needs two"
            );
            Ok(SigningKeys { current, next })
        }
        (None, None) => Ok(SigningKeys::generate()),
        _ => {
            anyhow::bail!("QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY belong together: set both or neither")
        }
    }
}
