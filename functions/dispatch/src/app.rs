//! Assembles the dispatch function: database, keys, intake and dispatcher behind one router.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use jiff::Timestamp;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use sigpost_runtime::metrics::{self, CLOSED_CONNECTIONS, MEMORY_SHARE, OLDEST_DUE_AGE, TICK};
use sigpost_runtime::{KeyRing, Memory, env, serve};
use sigpost_store::{Database, retention, signing_keys};

use crate::api::body::Bodies;
use crate::api::health::watch_outages;
use crate::api::quota::Quota;
use crate::api::streamed::Responses;
use crate::config::Config;
use crate::dispatcher::{Dispatcher, Tick};
use crate::intake::Intake;
use crate::readiness::Readiness;
use crate::router;
use crate::schedules::{
    Composer, Drift, EventBridgeDriver, Firing, LocalDriver, ScheduleDriver, Schedules, announce, fire_all_due,
    fire_for,
};
use crate::state::State;
use crate::tokens::Tokens;

/// Timeout of the statements of publishes and deliveries. A publish gets a 503 soon after.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections for lists, the admin API and the console. They limit the concurrent queries, and publishes and
/// deliveries do not wait for them.
const LIST_CONNECTIONS: usize = 2;
/// Timeout of such a query.
const LIST_TIMEOUT: Duration = Duration::from_secs(10);

/// A running dispatch function.
#[derive(Clone)]
pub struct App {
    state: Arc<State>,
    dispatcher: Option<Dispatcher>,
}

impl App {
    /// Connects to the database, reads or inserts the signing keys, and starts the dispatcher.
    pub async fn start(config: Config) -> Result<Self> {
        let database = Database::new(&config.database_url.0, config.database_connections)?;
        let lists = database.with(LIST_CONNECTIONS.min(config.database_connections), LIST_TIMEOUT);
        let database = database.with(config.database_connections, STATEMENT_TIMEOUT);
        let mut conn = database.connection().await.context("DATABASE_URL")?;
        let keys = signing_keys::find_or_insert(&mut conn, &config.first_keys)
            .await
            .context("reading the signing keys failed; check that the schema is applied (`sigpost migrate`)")?;
        // Not in Lambda, where a request may wait for this start: migrations, the daily cleanup and each reconciliation
        // create the partitions.
        if !env::in_lambda() {
            retention::ensure_days(&mut conn).await.context("creating daily partitions failed")?;
        }
        drop(conn);

        let keys = KeyRing::new(keys);
        let dispatcher = config
            .dispatcher
            .map(|settings| {
                let (policy, deduplicating) = (&config.address_policy, config.deduplicating.clone());
                Dispatcher::start(settings, database.clone(), keys.clone(), policy, deduplicating)
            })
            .transpose()?;
        let composer = Composer {
            limits: config.limits.clone(),
            address_policy: config.address_policy.clone(),
            deduplicating: config.deduplicating.clone(),
        };
        let event_bridge = config.event_bridge.map(|settings| EventBridgeDriver::new(settings, database.clone()));
        let event_bridge = event_bridge.map(Arc::new);
        let driver: Arc<dyn ScheduleDriver> = match &event_bridge {
            Some(driver) => Arc::<EventBridgeDriver>::clone(driver),
            None => Arc::new(LocalDriver::start(dispatcher.clone(), database.clone(), composer.clone())),
        };
        let state = State {
            schedules: Schedules { driver, event_bridge, composer },
            bodies: Bodies::new(config.bodies),
            responses: Responses::default(),
            intake: Intake::start(database.clone(), dispatcher.clone()),
            dispatcher: dispatcher.clone(),
            tokens: Tokens::new(&config.token.0, database.clone(), config.api_rate_limit),
            readiness: Readiness::default(),
            quota: Quota::default(),
            database,
            lists,
            keys,
            limits: config.limits,
            address_policy: config.address_policy,
            deduplicating: config.deduplicating,
        };
        let state = Arc::new(state);
        tokio::spawn(watch_outages(Arc::downgrade(&state)));
        Ok(Self { state, dispatcher })
    }

    /// Every route of the function.
    pub fn router(&self) -> Router {
        router::router(Arc::clone(&self.state))
    }

    /// The current signing keys, for handlers in the same process.
    pub fn keys(&self) -> KeyRing {
        self.state.keys.clone()
    }

    /// The database with the connections for lists, for functions in the same process.
    pub fn lists(&self) -> Database {
        self.state.lists.clone()
    }

    /// The database with the connections for publishes and deliveries.
    pub fn database(&self) -> Database {
        self.state.database.clone()
    }

    /// The dispatcher, if this process delivers.
    pub fn dispatcher(&self) -> Option<&Dispatcher> {
        self.dispatcher.as_ref()
    }

    /// Registers the metrics of this process, and those of its dispatcher if it delivers.
    pub fn register(&self, registry: &mut Registry) {
        if let Some(memory) = Memory::measure() {
            registry.register(MEMORY_SHARE.name, MEMORY_SHARE.help, ConstGauge::new(memory.share()));
        }
        registry.register(
            CLOSED_CONNECTIONS.name,
            CLOSED_CONNECTIONS.help,
            ConstCounter::new(serve::closed_connections()),
        );
        self.dispatcher.as_ref().inspect(|dispatcher| dispatcher.register(registry));
    }

    /// Handles Lambda's tick: fires schedules that their driver missed, and returns whether messages become due before the
    /// next tick. One statement if there is nothing to do.
    pub(crate) async fn tick(&self) -> Result<bool> {
        let Some(dispatcher) = &self.dispatcher else { return Ok(false) };
        let Tick { due, oldest, schedule_due_for } = dispatcher.tick().await?;
        metrics::emit(&[(TICK, 1.0), (OLDEST_DUE_AGE, oldest.as_secs_f64())]);
        Memory::tell();
        let schedules = &self.state.schedules;
        let late = schedule_due_for.is_some_and(|due_for| due_for >= schedules.driver.patience());
        if late {
            let rivals = schedules.event_bridge.is_some();
            fire_all_due(&self.state.database, &schedules.composer, dispatcher, rivals).await?;
        }
        Ok(due || late)
    }

    /// Makes the next visit query everything. Returns whether this process can deliver.
    pub(crate) fn drain(&self) -> bool {
        self.dispatcher.as_ref().inspect(|dispatcher| dispatcher.wake_everything()).is_some()
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Publishes the messages of a schedule for the time `at`, at most once for repeated calls, and only if the schedule
    /// fires at that time.
    ///
    /// # Errors
    ///
    /// The database is unavailable, or another transaction conflicts. Nothing is stored; call again.
    pub async fn fire(&self, schedule_id: &str, at: Timestamp) -> Result<Firing, sigpost_store::Error> {
        let mut conn = self.state.database.connection().await?;
        let (firing, stored) = fire_for(&mut conn, &self.state.schedules.composer, schedule_id, at).await?;
        drop(conn);
        if let Firing::Skipped(why) = &firing {
            tracing::info!(schedule = schedule_id, %at, %why, "skipped a firing");
        }
        if let Some(dispatcher) = &self.dispatcher {
            announce(dispatcher, &stored);
        }
        Ok(firing)
    }

    /// Compares all schedules with their copies in EventBridge Scheduler, repairs differences, and returns them. `None` if
    /// the deployment does not use it.
    ///
    /// # Errors
    ///
    /// The comparison failed. Completed repairs persist.
    pub async fn reconcile(&self) -> Result<Option<Drift>> {
        match &self.state.schedules.event_bridge {
            Some(driver) => Ok(Some(driver.reconcile().await?)),
            None => Ok(None),
        }
    }

    /// Shuts down gracefully: stops claiming, drains within the grace period, and releases the remaining messages. Another
    /// SIGTERM or SIGINT ends the grace period.
    pub async fn shutdown(&self) {
        if let Some(dispatcher) = &self.dispatcher {
            let terminated_again = serve::terminated();
            tracing::info!(
                "graceful shutdown: waiting for attempts in flight; another signal returns them to the queue"
            );
            dispatcher.shutdown(terminated_again).await;
        }
    }
}
