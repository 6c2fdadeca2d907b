//! Configuration of the dispatch function from environment variables.

mod invariants;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sigpost_qstash::{DEV_TOKEN, Limits, SigningKeys};
use sigpost_runtime::settings::{self, Problem, bearer, reject};
use sigpost_runtime::{AddressPolicy, PushSigner, Reading, env};
use sigpost_store::url;

use crate::api::body::BodyBudget;
use crate::deduplicate::Deduplicating;
use crate::dispatcher::{Awake, Settings};
use crate::further::invoke_again;
pub use crate::schedules::EventBridge;
use invariants::Surroundings;

/// The configuration of one dispatch process.
#[derive(Clone, Debug)]
pub struct Config {
    /// `DATABASE_URL`, with `DATABASE_PASSWORD` if it has none. Required, and never logged.
    pub database_url: Secret,
    /// `DATABASE_CONNECTIONS`: maximum number of connections to Postgres, without the listener's.
    /// Default 8; in Lambda 1, except on managed instances.
    pub database_connections: usize,
    /// `QSTASH_TOKEN`: the bearer token of the API with full scope. Required. Named tokens are in the database.
    pub token: Secret,
    /// `API_RATE_LIMIT_PER_SECOND`: requests per second of one token to this process without publishes,
    /// for tokens without their own limit. Default 100; 0 is no limit.
    pub api_rate_limit: Option<NonZeroU32>,
    /// `QSTASH_CURRENT_SIGNING_KEY` and `QSTASH_NEXT_SIGNING_KEY`: the initial keys of a database
    /// without keys. Default: generated. Afterwards the keys in the database are used.
    pub first_keys: SigningKeys,
    /// Limits of publishes.
    pub limits: Limits,
    /// Memory limits for request bodies.
    pub bodies: BodyBudget,
    /// `ALLOW_TARGETS`: networks, addresses and hosts outside the public internet that are allowed as
    /// destinations, separated by commas. Default: none.
    pub address_policy: AddressPolicy,
    /// `DEDUPLICATION_WINDOW_SECONDS`: default deduplication window of messages. Default 600, as in QStash.
    /// `DEDUPLICATION_RELEASE_ON_FAILURE`: whether a deduplication ID is released when its message becomes a dead letter.
    /// Default false.
    pub deduplicating: Deduplicating,
    /// `SCHEDULE_GROUP` and related settings: EventBridge Scheduler fires the schedules. Either all processes of a
    /// deployment have it, or none. Default: the dispatchers fire them.
    pub event_bridge: Option<EventBridge>,
    /// Settings of the dispatcher; `None` accepts messages without delivery, which needs another process.
    pub dispatcher: Option<Settings>,
}

/// A secret, which logs and debug output do not contain.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl Config {
    /// Reads the configuration, and logs warnings.
    ///
    /// # Errors
    ///
    /// All invalid settings with their variables.
    pub fn from_env() -> Result<Self> {
        let (config, problems) = Self::read();
        reject(&problems)?;
        Ok(config)
    }

    /// Reads the configuration, and returns its problems. With an error among them, the process must not start.
    pub fn read() -> (Self, Vec<Problem>) {
        let mut reading = Reading::of_process();
        let config = Self::read_with(&mut reading);
        let termination_s = reading.parsed_if_set(settings::TERMINATION_GRACE_SECONDS);
        let around = Surroundings {
            visits_only: env::in_lambda() && !env::on_managed_instances(),
            termination_grace: termination_s.filter(|seconds| *seconds > 0).map(Duration::from_secs),
        };
        let mut problems = reading.problems;
        problems.extend(invariants::violated(&config, around));
        (config, problems)
    }

    fn read_with(reading: &mut Reading) -> Self {
        let allowed =
            env::list(settings::ALLOW_TARGETS).and_then(|list| AddressPolicy::allowing(&list).context("ALLOW_TARGETS"));
        Self {
            database_url: Secret(url::from_settings(reading).unwrap_or_default()),
            database_connections: reading.take(
                settings::DATABASE_CONNECTIONS,
                url::connections_from_env("dispatch"),
                1,
            ),
            token: Secret(reading.take(settings::QSTASH_TOKEN, token_from_env(), String::new())),
            api_rate_limit: NonZeroU32::new(reading.parsed(settings::API_RATE_LIMIT_PER_SECOND)),
            first_keys: reading.take(settings::QSTASH_NEXT_SIGNING_KEY, first_keys_from_env(), SigningKeys::generate()),
            limits: Limits { max_body_bytes: reading.parsed(settings::MAX_BODY_BYTES), ..Limits::default() },
            bodies: BodyBudget::default(),
            address_policy: reading.take(settings::ALLOW_TARGETS, allowed, AddressPolicy::public_only()),
            deduplicating: Deduplicating {
                window: reading.seconds(settings::DEDUPLICATION_WINDOW_SECONDS),
                release_on_failure: reading.parsed(settings::DEDUPLICATION_RELEASE_ON_FAILURE),
            },
            event_bridge: EventBridge::read(reading),
            dispatcher: Some(Settings {
                max_in_flight: reading.parsed(settings::MAX_IN_FLIGHT),
                lease: reading.seconds(settings::LEASE_SECONDS),
                longest_attempt: reading.seconds(settings::LONGEST_ATTEMPT_SECONDS),
                grace: reading.seconds(settings::SHUTDOWN_GRACE_SECONDS),
                max_dispatchers: reading.parsed(settings::MAX_DISPATCHERS),
                awake: match env::in_lambda() && !env::on_managed_instances() {
                    true => Awake::InVisits,
                    false => Awake::Always,
                },
                further: env::function_name().map(invoke_again),
                push_signer: reading.take(settings::SIGV4_TARGETS, PushSigner::from_env(), None).map(Arc::new),
                ..Settings::default()
            }),
        }
    }

    /// Returns an error for each public development credential of QStash.
    pub fn dev_credentials(&self) -> Vec<Problem> {
        let token = (self.token.0 == DEV_TOKEN).then(|| {
            Problem::error("QSTASH_TOKEN", "QSTASH_TOKEN is the public development token of QStash; set your own token")
        });
        let keys = self.first_keys.is_dev().then(|| {
            Problem::error(
                "QSTASH_CURRENT_SIGNING_KEY",
                "QSTASH_CURRENT_SIGNING_KEY is a public development key of QStash; set your own keys, or \
                 leave both keys unset to generate them",
            )
        });
        token.into_iter().chain(keys).collect()
    }
}

fn token_from_env() -> Result<String> {
    bearer(settings::QSTASH_TOKEN.name, &env::required(settings::QSTASH_TOKEN)?)
}

fn first_keys_from_env() -> Result<SigningKeys> {
    match (env::var(settings::QSTASH_CURRENT_SIGNING_KEY)?, env::var(settings::QSTASH_NEXT_SIGNING_KEY)?) {
        (Some(current), Some(next)) => {
            ensure!(
                current != next,
                "QSTASH_NEXT_SIGNING_KEY equals QSTASH_CURRENT_SIGNING_KEY; set two different keys"
            );
            Ok(SigningKeys { current, next })
        }
        (None, None) => Ok(SigningKeys::generate()),
        _ => {
            anyhow::bail!("QSTASH_CURRENT_SIGNING_KEY and QSTASH_NEXT_SIGNING_KEY belong together: set both or neither")
        }
    }
}
