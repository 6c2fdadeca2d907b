//! The dispatch function put together: database, keys, intake and engine behind one router.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use sigpost_runtime::{KeyRing, env};
use sigpost_store::{Database, retention, signing_keys};

use crate::config::Config;
use crate::engine::Engine;
use crate::intake::Intake;
use crate::router;
use crate::schedules::{Composer, LocalDriver, Schedules};
use crate::state::State;
use crate::tokens::Tokens;

/// A running dispatch function.
#[derive(Clone)]
pub struct App {
    state: Arc<State>,
    engine: Option<Engine>,
}

impl App {
    /// Connects, takes over the deployment's keys (or gives it its first), and starts the engine.
    pub async fn start(config: Config) -> Result<Self> {
        let database = Database::new(&config.database_url.0, config.database_connections)?;
        let mut conn = database.connection().await.context("DATABASE_URL")?;
        let keys = signing_keys::find_or_insert(&mut conn, &config.first_keys)
            .await
            .context("the signing keys cannot be read; has the schema been applied (`sigpost migrate`)?")?;
        // In Lambda somebody waits for this start; the migration, the daily cleaning and the tick make them.
        if !env::in_lambda() {
            retention::ensure_event_partitions(&mut conn).await.context("event partitions")?;
        }
        drop(conn);

        let keys = KeyRing::new(keys);
        let engine = config
            .engine
            .map(|settings| {
                let (policy, deduplicating) = (&config.address_policy, config.deduplicating.clone());
                Engine::start(settings, database.clone(), keys.clone(), policy, deduplicating)
            })
            .transpose()?;
        let composer = Composer {
            limits: config.limits.clone(),
            address_policy: config.address_policy.clone(),
            deduplicating: config.deduplicating.clone(),
        };
        let driver = LocalDriver::start(engine.clone(), database.clone(), composer.clone());
        let state = State {
            schedules: Schedules { driver: Arc::new(driver), composer },
            intake: Intake::start(database.clone(), engine.clone()),
            engine: engine.clone(),
            tokens: Tokens::new(&config.token.0, database.clone(), config.api_rate_limit),
            database,
            keys,
            limits: config.limits,
            address_policy: config.address_policy,
            deduplicating: config.deduplicating,
        };
        Ok(Self { state: Arc::new(state), engine })
    }

    /// Every route of the function.
    pub fn router(&self) -> Router {
        router::router(Arc::clone(&self.state))
    }

    /// The live keys, for handlers in the same process.
    pub fn keys(&self) -> KeyRing {
        self.state.keys.clone()
    }

    /// The database, for functions in the same process.
    pub fn database(&self) -> Database {
        self.state.database.clone()
    }

    /// The engine, when this process delivers.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    /// Stops in order: no more claims, finish what is in flight within the grace time, give back the rest.
    pub async fn shutdown(&self) {
        if let Some(engine) = &self.engine {
            engine.shutdown().await;
        }
    }
}
