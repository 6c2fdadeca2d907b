//! Metric names, and metrics for CloudWatch.
//!
//! Names are the same everywhere: in CloudWatch in the namespace `sigpost`, in Prometheus with the prefix `sigpost_`
//! (counters end with `_total` there). `docs/src/reference/metrics.md` lists them.
//!
//! For CloudWatch, metrics are lines of JSON on stdout in the embedded metric format. CloudWatch turns them into
//! metrics where a function's output is collected; elsewhere they are log lines.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::env;
use crate::settings::SIGPOST_DEPLOYMENT;

/// The CloudWatch namespace of all metrics.
pub const NAMESPACE: &str = "sigpost";

/// A metric: its name, description and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name without prefix.
    pub name: &'static str,
    /// Description, shown as `# HELP` in Prometheus.
    pub help: &'static str,
    /// Unit in CloudWatch's terms.
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

/// Of this process, counted since its start.
pub const ACCEPTED: Metric = count("accepted", "Messages that this process accepted");
/// Of this process.
pub const DELIVERED: Metric = count("delivered", "Attempts recorded as delivered");
/// Of this process.
pub const ERRORS: Metric = count("errors", "Attempts recorded as failed, with or without retries left");
/// Of this process.
pub const FAILED: Metric = count("failed", "Messages that failed and became dead letters");
/// Of this process.
pub const GIVEN_BACK: Metric = count("given_back", "Messages returned to the queue at shutdown");
/// Of this process.
pub const LEASES_LOST: Metric =
    count("leases_lost", "Attempts whose lease another dispatcher held when their outcome was recorded");
/// Of this process.
pub const PUSH_SECONDS: Metric =
    seconds("push_seconds", "Duration of attempts, from the request to the whole response");
/// Of this process, current value.
pub const IN_FLIGHT: Metric = count("in_flight", "Messages in flight, from the claim to the recorded outcome");
/// Of this process, current value.
pub const ROOM: Metric = count("room", "Maximum of messages in flight");
/// Of this process, current value.
pub const LISTENING: Metric = count("listening", "1 while the listener is connected, otherwise 0");
/// Of this process.
pub const ADMIN_REFUSED: Metric =
    count("admin_rejected", "Requests to the admin API and the console with an invalid token");
/// Of this process.
pub const CLOSED_CONNECTIONS: Metric =
    count("closed_connections", "Connections that were closed or rejected because too many were open");
/// Of this process, current value.
pub const MEMORY_SHARE: Metric = share("memory_share", "Share of the memory limit that the process uses");
/// Lambda only. An alarm on its absence detects that the scheduled invocations of dispatch have stopped.
pub const TICK: Metric = count("tick", "Scheduled invocations of dispatch");
/// Of the deployment, current value, as all that follow.
pub const OLDEST_DUE_AGE: Metric =
    seconds("oldest_due_age_seconds", "Age of the message that has been due longest; 0 without due messages");
/// By `state`: `due`, `scheduled`, `active`; at most 10,000 of each.
pub const MESSAGES: Metric = count("messages", "Pending messages by state");
/// At most 10,000.
pub const DEAD_LETTERS: Metric = count("dead_letters", "Dead letters");
/// By `type` and `status`.
pub const RUNS: Metric =
    count("runs", "Runs in progress, and runs that ended in the last hour, by job type and status");
/// By `type` and `percentile`.
pub const RUN_SECONDS: Metric =
    seconds("run_seconds", "Duration of completed runs of the last hour, by job type and percentile");
/// Runs with an expired lease, or older than ten minutes.
pub const RUNS_STUCK: Metric = count("runs_stuck", "Runs with an expired lease, or older than ten minutes");
/// By `severity`.
pub const ALERTS: Metric = count("alerts", "Open alerts of check-job-health by severity");
/// Schedules with a firing that is late by two minutes or more.
pub const SCHEDULES_LATE: Metric =
    count("schedules_late", "Schedules with a firing that is late by two minutes or more");

/// All metrics.
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

/// The unit of a metric, in CloudWatch's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of items.
    Count,
    /// A duration in seconds.
    Seconds,
    /// A ratio from 0 to 1.
    None,
}

/// Writes these metrics, with the dimension `Deployment` from `SIGPOST_DEPLOYMENT` (default `sigpost`).
pub fn emit(metrics: &[(Metric, f64)]) {
    let deployment = env::var(SIGPOST_DEPLOYMENT).ok().flatten();
    let line = line(&deployment.unwrap_or_else(|| SIGPOST_DEPLOYMENT.default_as()), Timestamp::now(), metrics);
    // Locked, so that no other thread writes into the line. On a closed stdout only the metrics are lost.
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
