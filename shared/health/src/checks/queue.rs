//! Due and blocked messages.

use sigpost_store::alerts::Backlog;

use crate::Check;
use crate::check::{count, counted, thresholds, warning};

/// Minimum backlog. If it was smaller at any time in the last hour, the backlog does not count as growing.
const FEWEST_BEHIND: i64 = 100;

/// A burst of some thousand messages is delivered within seconds, so only the number at which sigpost stops counting
/// is critical. [`QUEUE_AGE`] reports the delay.
pub static QUEUE_DEPTH: Check = Check {
    id: "queue-depth",
    name: "Queue depth",
    unit: "messages",
    thresholds: thresholds(100.0, 10_000.0),
    sentence: "messages are published faster than they are delivered",
    readings: |readings| {
        let due = readings.numbers.queue.due;
        vec![QUEUE_DEPTH.reading(count(due), counted(due, "message is due", "messages are due"))]
    },
};

/// Due messages are delivered within milliseconds, and on AWS after a tick of a minute at the latest. A minute of delay
/// is visible to users; after five minutes a dispatcher is missing or full.
pub static QUEUE_AGE: Check = Check {
    id: "queue-age",
    name: "Oldest due age",
    unit: "seconds",
    thresholds: thresholds(60.0, 300.0),
    sentence: "no process delivers, or delivery is too slow",
    readings: |readings| {
        let (due, age) = (readings.numbers.queue.due, readings.oldest_due_s());
        let due = counted(due, "message is due", "messages are due");
        vec![QUEUE_AGE.reading(age, format!("{due}, the oldest for {age:.0} s"))]
    },
};

/// Twice the average of a day is no longer a daily peak.
pub static BACKLOG_GROWING: Check = Check {
    id: "backlog-growing",
    name: "Backlog growth",
    unit: "times the average of the day before, of 100 messages or more",
    thresholds: warning(2.0),
    sentence: "more messages are published than delivered, for hours",
    readings: |readings| {
        let Some(Backlog { now, least_of_hour, most_before, average_before }) = readings.deployment.facts.backlog
        else {
            return Vec::new();
        };
        if least_of_hour < FEWEST_BEHIND || now < most_before {
            return Vec::new();
        }
        let times = count(now) / average_before.max(1.0);
        let message =
            format!("{now} messages are due or blocked, the most in the last day (average {average_before:.0})");
        vec![BACKLOG_GROWING.reading(times, message)]
    },
};

/// Limits block messages on purpose, so minutes are normal. There is no critical level: a queue for bulk mail may hold
/// messages for hours.
pub static BLOCKED_AGE: Check = Check {
    id: "blocked-age",
    name: "Blocked age",
    unit: "seconds",
    thresholds: warning(900.0),
    sentence: "messages arrive faster than the limits allow, or a limit is paused",
    readings: |readings| {
        let of = |waiting: &sigpost_store::alerts::Waiting| {
            let blocked = counted(waiting.count, "message is", "messages are");
            let message = format!("{blocked} blocked at {}, the oldest for {:.0} s", waiting.gate, waiting.longest_s);
            BLOCKED_AGE.reading_of(&waiting.gate, waiting.longest_s, message)
        };
        readings.deployment.facts.waiting.iter().map(of).collect()
    },
};
