//! Lists for operators: open messages, runs, dead letters, limits, schedules.
//!
//! Read-only; the rows are those of the admin API. Times are by the database's clock, in milliseconds since 1970.

mod dead_letters;
mod gates;
mod keys;
mod open;
mod runs;
mod schedules;

pub use self::dead_letters::dead_letter_groups;
pub use self::gates::gate_states;
pub use self::keys::key_state;
pub use self::open::{open_by_destination, open_by_queue, open_messages};
pub use self::runs::active_runs;
pub use self::schedules::schedule_states;

/// Maximum of rows in a list: the first ones of its order.
pub const LIST_MOST: i64 = 100;
