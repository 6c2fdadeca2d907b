//! Dispatchers: whether they live, and whether they have capacity.

use sigpost_store::health::Slowest;

use crate::Check;
use crate::check::{count, counted, critical, warning};

/// Time that due messages have waited when the capacity of dispatchers counts as full.
const WAITED_S: f64 = 60.0;

/// A crashed dispatcher loses all messages in flight at once, and they are delivered again. So the number says little,
/// and there is no critical level.
pub static LEASES_LOST: Check = Check {
    id: "leases-lost",
    name: "Expired leases",
    unit: "leases within an hour",
    thresholds: warning(1.0),
    sentence: "their process crashed or hung, and they were delivered again",
    readings: |readings| {
        let lost = readings.deployment.facts.leases_lost;
        let lost_leases = counted(lost, "lease", "leases");
        let message = format!("{lost_leases} expired: processes crashed or lost their database connection");
        vec![LEASES_LOST.reading(count(lost), message)]
    },
};

/// Without a dispatcher nothing is delivered, so there is no warning. Two minutes are two ticks on AWS, where a
/// dispatcher lives only while messages are due, and two reports of a process.
pub static NO_DISPATCHER: Check = Check {
    id: "no-dispatcher",
    name: "No live dispatcher",
    unit: "seconds that a message is due without a live dispatcher",
    thresholds: critical(120.0),
    sentence: "no process delivers",
    readings: |readings| {
        if readings.dispatchers.live > 0 {
            return Vec::new();
        }
        let (due, age) = (readings.numbers.queue.due, readings.oldest_due_s());
        let due = counted(due, "message is due", "messages are due");
        vec![NO_DISPATCHER.reading(age, format!("{due}, the oldest for {age:.0} s, and no dispatcher is alive"))]
    },
};

/// A destination that hangs can have half of the capacity, and more if it responded shortly before; others are delivered
/// in the rest. So it is a warning. The room of dispatchers is not stored: they are full if due messages wait.
pub static HANGING_DESTINATION: Check = Check {
    id: "hanging-destination",
    name: "Capacity of one destination",
    unit: "share of messages in flight, while messages are due for a minute",
    thresholds: warning(0.9),
    sentence: "one destination does not respond and has the capacity of the dispatchers",
    readings: |readings| {
        let dispatchers = &readings.dispatchers;
        let age = readings.oldest_due_s();
        let Some(Slowest { destination, attempts }) = dispatchers.slowest.as_ref().filter(|_| age >= WAITED_S) else {
            return Vec::new();
        };
        let message = format!(
            "{attempts} of {} in flight are attempts to {destination} that began more than a minute ago, and due \
             messages wait for {age:.0} s",
            counted(dispatchers.in_flight, "message", "messages"),
        );
        let share = count(*attempts) / count(dispatchers.in_flight.max(1));
        vec![HANGING_DESTINATION.reading_of(destination, share, message)]
    },
};
