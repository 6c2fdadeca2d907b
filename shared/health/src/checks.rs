//! The checks, one file per subject. `docs/src/guides/troubleshooting.md` has a section for each.

mod database;
mod dead_letters;
mod dispatchers;
mod emails;
mod keys;
mod processes;
mod queue;
mod runs;
mod schedules;

pub use database::{CLOCK_SKEW, CONNECTIONS, DATABASE_SLOW, PARTITIONS_MISSING, QUERY_LONG, SCHEMA_BEHIND};
pub use dead_letters::{DEAD_LETTERS, DEAD_LETTERS_DISAGREE, DEAD_LETTERS_GROWING};
pub use dispatchers::{HANGING_DESTINATION, LEASES_LOST, NO_DISPATCHER};
pub use emails::{EMAIL_BOUNCES, EMAIL_COMPLAINTS};
pub use keys::{KEYS_OLD, SIGNATURE_REJECTIONS};
pub use processes::{LISTEN_DOWN, MEMORY};
pub use queue::{BACKLOG_GROWING, BLOCKED_AGE, QUEUE_AGE, QUEUE_DEPTH};
pub use runs::{ACTIVE_RUNS, FAILED_ATTEMPTS, FAILURE_RATE, SLOW_RUNS, STUCK_RUNS};
pub use schedules::{NO_COMPLETIONS, SCHEDULE_MISSED};

use crate::Check;

/// All checks, in the order of the runbook.
pub static ALL: [&Check; 29] = [
    &FAILURE_RATE,
    &FAILED_ATTEMPTS,
    &STUCK_RUNS,
    &LEASES_LOST,
    &NO_DISPATCHER,
    &HANGING_DESTINATION,
    &NO_COMPLETIONS,
    &SCHEDULE_MISSED,
    &QUEUE_DEPTH,
    &QUEUE_AGE,
    &BACKLOG_GROWING,
    &BLOCKED_AGE,
    &ACTIVE_RUNS,
    &SLOW_RUNS,
    &DEAD_LETTERS,
    &DEAD_LETTERS_GROWING,
    &DEAD_LETTERS_DISAGREE,
    &SIGNATURE_REJECTIONS,
    &KEYS_OLD,
    &MEMORY,
    &LISTEN_DOWN,
    &DATABASE_SLOW,
    &QUERY_LONG,
    &CLOCK_SKEW,
    &CONNECTIONS,
    &SCHEMA_BEHIND,
    &PARTITIONS_MISSING,
    &EMAIL_BOUNCES,
    &EMAIL_COMPLAINTS,
];

#[cfg(test)]
mod tests;
