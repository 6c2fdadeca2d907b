//! Schedules: their rows, and which of them are due.
//!
//! Schedules fire in batches, one transaction each: [`claim_due`] locks the rows, [`accept`](crate::accept) stores the
//! messages, [`advance`] writes the next times. So each firing is published once, by any number of processes and
//! whatever crashes.

mod change;
mod due;
mod read;

use bytes::Bytes;
use jiff::Timestamp;
use sigpost_qstash::{CatchUp, Cron, Params};

pub use self::change::{delete, put, set_paused};
pub use self::due::{Advance, DueSchedule, Fired, advance, claim_due, next_firing_in};
pub use self::read::{StoredSchedule, find, list, position_of};

/// What fires, when, and what it publishes.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its id, given by its creator or made.
    pub id: String,
    /// The expression with its time zone.
    pub cron: String,
    /// URL or name of a URL group, exactly as the creator wrote it.
    pub destination: String,
    /// What its messages are published with; `Options::parse` reads it.
    pub parameters: Params,
    /// Delivered unmodified.
    pub body: Bytes,
    /// What becomes of missed firings.
    pub catch_up: CatchUp,
    /// Who created it.
    pub caller_ip: Option<String>,
}

impl Schedule {
    /// The first firing after a moment; `None` when there is none any more.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        next_after(&self.cron, moment)
    }
}

/// What was checked when it was stored and no longer parses (a time zone that is gone) does not fire.
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
