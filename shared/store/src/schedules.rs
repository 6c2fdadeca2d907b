//! Schedules: their rows, and due ones.
//!
//! Schedules fire in batches, one transaction each: [`claim_due`] locks the rows, [`accept`](crate::accept) stores
//! the messages, [`advance`] writes the next times. So each firing is published exactly once, for any number of
//! processes and despite crashes.

mod change;
mod due;
mod read;

use bytes::Bytes;
use jiff::Timestamp;
use sigpost_qstash::{CatchUp, Cron, Params};

pub use self::change::{delete, put, set_paused};
pub use self::due::{Advance, DueSchedule, Fired, advance, claim_due, next_firing_in};
pub use self::read::{StoredSchedule, find, list, position_of};

/// A schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The ID, given by its creator or generated.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group, exactly as the creator wrote it.
    pub destination: String,
    /// The parameters of its messages, for `Options::parse`.
    pub parameters: Params,
    /// Delivered unmodified.
    pub body: Bytes,
    /// Handling of missed firings.
    pub catch_up: CatchUp,
    /// Address of its creator.
    pub caller_ip: Option<String>,
}

impl Schedule {
    /// Returns the first firing after a moment; `None` if there is none.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        next_after(&self.cron, moment)
    }
}

/// An expression that no longer parses (a removed time zone) does not fire.
fn next_after(cron: &str, moment: Timestamp) -> Option<Timestamp> {
    cron.parse::<Cron>().ok()?.next_after(moment)
}

#[derive(diesel::Queryable)]
pub(crate) struct ScheduleRow {
    id: String,
    cron: String,
    destination: String,
    parameters: String,
    body: Vec<u8>,
    catch_up: String,
    caller_ip: Option<String>,
}

impl From<ScheduleRow> for Schedule {
    fn from(row: ScheduleRow) -> Self {
        Self {
            id: row.id,
            cron: row.cron,
            destination: row.destination,
            parameters: serde_json::from_str(&row.parameters).unwrap_or_default(),
            body: row.body.into(),
            catch_up: CatchUp::parse("catch_up", &row.catch_up).unwrap_or_default(),
            caller_ip: row.caller_ip,
        }
    }
}
