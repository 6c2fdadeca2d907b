//! Schedules: what they publish, and who makes them fire.
//!
//! The row is the schedule. A driver makes it fire: the [`LocalDriver`], which any number of
//! processes run on one database, without a leader; or the [`EventBridgeDriver`], which keeps a copy
//! in EventBridge Scheduler and is invoked from there. One transaction locks the rows of a batch, stores the messages and
//! writes the times of the next firings. A message of a firing also has a deduplication key of its schedule and time, in
//! case both drivers are at work for a while.

mod compose;
mod driver;
mod eventbridge;
mod fire;
mod invocation;
mod local;
mod plan;
mod run;
mod store;

use std::sync::Arc;

use crate::engine::Engine;

pub(crate) use compose::Composer;
pub(crate) use driver::ScheduleDriver;
pub(crate) use eventbridge::EventBridgeDriver;
pub use eventbridge::{Drift, EventBridge};
pub(crate) use invocation::fire_for;
pub use invocation::{Firing, Skip};
pub(crate) use local::{LocalDriver, fire_all_due};
pub(crate) use run::run_once;
pub(crate) use store::Stored;

/// What the API needs for schedules.
pub(crate) struct Schedules {
    /// Told of every change.
    pub(crate) driver: Arc<dyn ScheduleDriver>,
    /// The driver, if it is this one.
    pub(crate) event_bridge: Option<Arc<EventBridgeDriver>>,
    /// Checks early what a firing would refuse.
    pub(crate) composer: Composer,
}

/// Counts what a firing has stored, and wakes the engine for it.
pub(crate) fn announce(engine: &Engine, stored: &Stored) {
    engine.wake(stored.wake_ups.clone());
    stored.ids.iter().for_each(|id| engine.accepted(*id));
}
