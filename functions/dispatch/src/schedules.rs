//! Schedules: their messages and the drivers that fire them.
//!
//! The row is the source of truth. A driver fires schedules: the [`LocalDriver`], which any number of processes run on one
//! database without a leader, or the [`EventBridgeDriver`], which keeps copies in EventBridge Scheduler and is invoked by
//! it. One transaction locks the rows of a batch, stores the messages and writes the times of the next firings. A message
//! of a firing also has a deduplication key of its schedule and time, for a transition during which both drivers run.

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

use crate::dispatcher::Dispatcher;

pub(crate) use compose::Composer;
pub(crate) use driver::ScheduleDriver;
pub(crate) use eventbridge::EventBridgeDriver;
pub use eventbridge::{Drift, EventBridge};
pub(crate) use invocation::fire_for;
pub use invocation::{Firing, Skip};
pub(crate) use local::{LocalDriver, fire_all_due};
pub(crate) use run::run_once;
pub(crate) use store::Stored;

/// Components for schedules.
pub(crate) struct Schedules {
    /// Notified of every change.
    pub(crate) driver: Arc<dyn ScheduleDriver>,
    /// The driver, if it is this one.
    pub(crate) event_bridge: Option<Arc<EventBridgeDriver>>,
    /// Rejects early what a firing would reject.
    pub(crate) composer: Composer,
}

/// Counts the stored messages of a firing, and wakes the dispatcher.
pub(crate) fn announce(dispatcher: &Dispatcher, stored: &Stored) {
    dispatcher.wake(stored.wake_ups.clone());
    stored.ids.iter().for_each(|id| dispatcher.accepted(*id));
}
