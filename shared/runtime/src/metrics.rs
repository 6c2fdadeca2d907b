//! What is measured, and numbers for CloudWatch.
//!
//! The names are the same everywhere: in CloudWatch in the namespace `sigpost`, for Prometheus behind
//! `sigpost_` (counters end with `_total` there). `docs/src/reference/metrics.md` lists them.
//!
//! CloudWatch gets lines of JSON on stdout in the embedded metric format, and turns them into metrics by
//! itself wherever a function's output is collected. Elsewhere such a line is a log line.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::env;

/// The CloudWatch namespace of all of them.
pub const NAMESPACE: &str = "sigpost";

/// Something that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, without a prefix.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// In CloudWatch's word for it.
    pub unit: Unit,
}

const fn count(name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, unit: Unit::Count }
}

const fn share(name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, unit: Unit::None }
}

const fn seconds(name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, unit: Unit::Seconds }
}

/// Of this process, counted since it started.
pub const ACCEPTED: Metric = count("accepted", "Messages that were accepted");
/// Of this process.
pub const DELIVERED: Metric = count("delivered", "Deliveries that were recorded as delivered");
/// Of this process.
pub const ERRORS: Metric = count("errors", "Deliveries that were recorded as failed, to be tried again or for good");
/// Of this process.
pub const FAILED: Metric = count("failed", "Messages that failed for good, and are dead letters");
/// Of this process.
pub const GIVEN_BACK: Metric = count("given_back", "Deliveries that were given back at a stop, and count as none");
/// Of this process.
pub const LEASES_LOST: Metric =
    count("leases_lost", "Deliveries whose lease was gone when their end was to be recorded");
/// Of this process.
pub const PUSH_SECONDS: Metric = seconds("push_seconds", "How long pushes took, from the request to the whole answer");
/// Of this process, now.
pub const IN_FLIGHT: Metric = count("in_flight", "Messages in flight, from the lease to the recorded end");
/// Of this process, now.
pub const ROOM: Metric = count("room", "Messages that may be in flight at once");
/// Of this process, now.
pub const LISTENING: Metric =
    count("listening", "1 while notifications of other processes arrive, 0 while they do not");
/// Of this process.
pub const ADMIN_REFUSED: Metric = count("admin_refused", "Wrong tokens that the admin API and the console were given");
/// Of this process.
pub const CLOSED_CONNECTIONS: Metric =
    count("closed_connections", "Connections that were closed or not accepted because too many were open");
/// Of this process, now.
pub const MEMORY_SHARE: Metric = share("memory_share", "The share of the memory that the process may use");
/// In Lambda: an alarm on its absence notices that nothing wakes the dispatcher.
pub const TICK: Metric = count("tick", "1 for each tick");
/// Of the deployment, now, as all that follow.
pub const OLDEST_DUE_AGE: Metric = seconds(
    "oldest_due_age_seconds",
    "For how long the message that has been due longest has been due; 0 when none is",
);
/// By `state`: `due`, `scheduled`, `active`; ten thousand of each at most.
pub const MESSAGES: Metric = count("messages", "Open messages by state");
/// Ten thousand at most.
pub const DEAD_LETTERS: Metric = count("dead_letters", "Dead letters that are kept");
/// By `type` and `status`.
pub const RUNS: Metric =
    count("runs", "Runs under way, and runs that ended within the last hour, by job type and status");
/// By `type` and `percentile`.
pub const RUN_SECONDS: Metric =
    seconds("run_seconds", "How long the completed runs of the last hour took, by job type");
/// Whose lease has ended, or that began more than ten minutes ago.
pub const RUNS_STUCK: Metric = count("runs_stuck", "Runs that should have ended");
/// By `severity`.
pub const ALERTS: Metric = count("alerts", "What check-job-health last found to be wrong, by severity");
/// For more than two minutes.
pub const SCHEDULES_LATE: Metric = count("schedules_late", "Schedules of which a firing is late");

/// All of them.
pub const ALL: [Metric; 22] = [
    ACCEPTED,
    DELIVERED,
    ERRORS,
    FAILED,
    GIVEN_BACK,
    LEASES_LOST,
    PUSH_SECONDS,
    IN_FLIGHT,
    ROOM,
    LISTENING,
    ADMIN_REFUSED,
    CLOSED_CONNECTIONS,
    MEMORY_SHARE,
    TICK,
    OLDEST_DUE_AGE,
    MESSAGES,
    DEAD_LETTERS,
    RUNS,
    RUN_SECONDS,
    RUNS_STUCK,
    ALERTS,
    SCHEDULES_LATE,
];

/// What is counted, in CloudWatch's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Seconds,
    /// A share of one.
    None,
}

/// Writes these metrics, with the dimension `Deployment` from `SIGPOST_DEPLOYMENT` (default `sigpost`).
pub fn emit(metrics: &[(Metric, f64)]) {
    let deployment = env::var("SIGPOST_DEPLOYMENT").ok().flatten();
    let line = line(deployment.as_deref().unwrap_or("sigpost"), Timestamp::now(), metrics);
    // Locked, so that no other thread writes into the line. A closed stdout loses only numbers.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(deployment: &str, now: Timestamp, metrics: &[(Metric, f64)]) -> Value {
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(metric, _)| json!({ "Name": metric.name, "Unit": format!("{:?}", metric.unit) }))
        .collect();
    let mut members = Map::new();
    members.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [
                { "Namespace": NAMESPACE, "Dimensions": [["Deployment"]], "Metrics": definitions },
            ],
        }),
    );
    members.insert("Deployment".into(), deployment.into());
    members.extend(metrics.iter().map(|(metric, value)| (metric.name.to_owned(), json!(value))));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_the_embedded_metric_format() {
        let now = Timestamp::from_millisecond(1_795_644_000_123).expect("a time");
        let line = line("staging", now, &[(TICK, 1.0), (OLDEST_DUE_AGE, 2.5)]);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_644_000_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "sigpost",
                    "Dimensions": [["Deployment"]],
                    "Metrics": [{ "Name": "tick", "Unit": "Count" }, { "Name": "oldest_due_age_seconds", "Unit": "Seconds" }],
                }],
            },
            "Deployment": "staging",
            "tick": 1.0,
            "oldest_due_age_seconds": 2.5,
        });
        assert_eq!(line, expected);
        assert!(!line.to_string().contains('\n'));
    }
}
