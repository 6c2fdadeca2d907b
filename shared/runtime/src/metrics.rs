//! Numbers for CloudWatch, as a line of JSON on stdout: the embedded metric format, which CloudWatch
//! turns into metrics by itself wherever a function's output is collected. Elsewhere it is a log line.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::env;

/// The CloudWatch namespace of all of them.
pub const NAMESPACE: &str = "sigpost";

/// For how long the message that has been due longest has been due, in [`Unit::Seconds`]; 0 when none is.
pub const OLDEST_DUE_AGE: &str = "OldestDueAge";
/// Messages that failed for good, in [`Unit::Count`].
pub const DEAD_LETTERS: &str = "DeadLetters";
/// 1 for each tick: an alarm on its absence notices that nothing wakes the dispatcher. [`Unit::Count`].
pub const TICK: &str = "Tick";
/// Deliveries recorded as delivered, in [`Unit::Count`].
pub const DELIVERED: &str = "Delivered";
/// Deliveries recorded as failed, to be tried again or for good, in [`Unit::Count`].
pub const FAILED: &str = "Failed";

/// What is counted, in CloudWatch's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Seconds,
}

/// Writes these metrics, with the dimension `Deployment` from `SIGPOST_DEPLOYMENT` (default `sigpost`).
pub fn emit(metrics: &[(&str, Unit, f64)]) {
    let deployment = env::var("SIGPOST_DEPLOYMENT").ok().flatten();
    let line = line(deployment.as_deref().unwrap_or("sigpost"), Timestamp::now(), metrics);
    // Locked, so that no other thread writes into the line. A closed stdout loses only numbers.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(deployment: &str, now: Timestamp, metrics: &[(&str, Unit, f64)]) -> Value {
    let definitions: Vec<Value> =
        metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": format!("{unit:?}") })).collect();
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
    members.extend(metrics.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_the_embedded_metric_format() {
        let now = Timestamp::from_millisecond(1_795_644_000_123).expect("a time");
        let line = line("staging", now, &[(TICK, Unit::Count, 1.0), (OLDEST_DUE_AGE, Unit::Seconds, 2.5)]);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_644_000_123_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "sigpost",
                    "Dimensions": [["Deployment"]],
                    "Metrics": [{ "Name": "Tick", "Unit": "Count" }, { "Name": "OldestDueAge", "Unit": "Seconds" }],
                }],
            },
            "Deployment": "staging",
            "Tick": 1.0,
            "OldestDueAge": 2.5,
        });
        assert_eq!(line, expected);
        assert!(!line.to_string().contains('\n'));
    }
}
