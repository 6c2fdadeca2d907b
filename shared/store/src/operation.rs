//! Lists for operators: open messages, runs, dead letters, limits, schedules.
//!
//! Read-only. Times are by the database's clock, in milliseconds since 1970.

mod dead_letters;
mod gates;
mod keys;
mod open;
mod runs;
mod schedules;

pub use self::dead_letters::{DeadLetterGroup, dead_letter_groups};
pub use self::gates::{GateState, gate_states};
pub use self::keys::{KeyState, key_state};
pub use self::open::{Open, OpenOf, open_by_destination, open_by_queue, open_messages};
pub use self::runs::{ActiveRun, active_runs};
pub use self::schedules::{ScheduleState, schedule_states};

/// Maximum of rows in a list: the first ones of its order.
pub const LIST_MOST: i64 = 100;
