//! Processes that deliver continuously.

use sigpost_store::processes::Process;

use crate::check::{thresholds, warning};
use crate::{Check, Reading, Readings};

/// The rest is needed for a burst of large bodies. At 95 % the kernel is about to end the process.
pub static MEMORY: Check = Check {
    id: "memory",
    name: "Memory",
    unit: "share of the memory limit of a process",
    thresholds: thresholds(0.8, 0.95),
    sentence: "beyond its memory limit the process is killed",
    readings: |readings| {
        of_each(readings, |process| {
            let share = process.memory_share?;
            let message = format!("the process uses {:.0} % of its memory limit", share * 100.0);
            Some(MEMORY.reading_of(&process.name, share, message))
        })
    },
};

/// A restart of the database disconnects listeners for seconds. Messages are still found by the fallback query, so
/// there is no critical level.
pub static LISTEN_DOWN: Check = Check {
    id: "listen-down",
    name: "Disconnected listener",
    unit: "seconds",
    thresholds: warning(60.0),
    sentence: "the process finds messages of other processes up to five minutes late",
    readings: |readings| {
        of_each(readings, |process| {
            let down_s = process.disconnected_s?;
            let message = format!("the listener has been disconnected for {down_s:.0} s");
            Some(LISTEN_DOWN.reading_of(&process.name, down_s, message))
        })
    },
};

fn of_each(readings: &Readings, reading: fn(&Process) -> Option<Reading>) -> Vec<Reading> {
    readings.deployment.facts.processes.iter().filter_map(reading).collect()
}
