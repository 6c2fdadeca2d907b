//! Schedules: what they publish, and who makes them fire.
//!
//! The row is the schedule. A driver makes it fire: here the [`LocalDriver`], which any number of
//! processes run on one database, without a leader. A firing is one transaction: the row is locked,
//! the messages are stored, the time of the next firing is written. A message of a firing also has a
//! deduplication key of its schedule and time, for drivers that may call twice.

mod compose;
mod driver;
mod fire;
mod local;
mod plan;

use std::sync::Arc;

pub(crate) use compose::Composer;
pub(crate) use driver::ScheduleDriver;
pub(crate) use local::LocalDriver;

/// What the API needs for schedules.
pub(crate) struct Schedules {
    /// Told of every change.
    pub(crate) driver: Arc<dyn ScheduleDriver>,
    /// Checks early what a firing would refuse.
    pub(crate) composer: Composer,
}
