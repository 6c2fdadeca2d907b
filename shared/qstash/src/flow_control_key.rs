//! What `/v2/flowControl` and `/v2/globalParallelism` show.

use schemars::JsonSchema;
use serde::Serialize;

/// A flow-control key (QStash OpenAPI, `FlowControlKey`). All fields are always there: the
/// JavaScript tests check that each is a number or a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowControlKey {
    /// The key.
    pub flow_control_key: String,
    /// Messages that wait for a slot of it.
    pub wait_list_size: i64,
    /// Most attempts under way at once; 0 when it has no such bound.
    pub parallelism_max: u32,
    /// Attempts under way.
    pub parallelism_count: i64,
    /// Most attempts begun in one period; 0 when it has no such bound.
    pub rate_max: u32,
    /// Attempts begun in this period.
    pub rate_count: i64,
    /// The period in whole seconds.
    pub rate_period: u64,
    /// When this period began, unix **seconds**.
    pub rate_period_start: i64,
    /// Whether messages cannot change `parallelism_max`.
    pub is_pinned_parallelism: bool,
    /// Whether messages cannot change `rate_max` and `rate_period`.
    pub is_pinned_rate: bool,
    /// Whether its messages are kept back.
    pub is_paused: bool,
}

/// Answer of `GET /v2/globalParallelism`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlobalParallelism {
    /// Most attempts under way at once.
    pub parallelism_max: i64,
    /// Attempts under way.
    pub parallelism_count: i64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FlowControlKey, GlobalParallelism};

    #[test]
    fn every_field_is_always_there() {
        let key = FlowControlKey {
            flow_control_key: "k".to_owned(),
            wait_list_size: 1,
            parallelism_max: 2,
            parallelism_count: 3,
            rate_max: 4,
            rate_count: 0,
            rate_period: 60,
            rate_period_start: 1_755_856_800,
            is_pinned_parallelism: true,
            is_pinned_rate: false,
            is_paused: false,
        };
        assert_eq!(
            serde_json::to_value(key).unwrap(),
            json!({
                "flowControlKey": "k",
                "waitListSize": 1,
                "parallelismMax": 2,
                "parallelismCount": 3,
                "rateMax": 4,
                "rateCount": 0,
                "ratePeriod": 60,
                "ratePeriodStart": 1_755_856_800,
                "isPinnedParallelism": true,
                "isPinnedRate": false,
                "isPaused": false,
            })
        );
        let global = GlobalParallelism { parallelism_max: 10, parallelism_count: 2 };
        assert_eq!(serde_json::to_string(&global).unwrap(), r#"{"parallelismMax":10,"parallelismCount":2}"#);
    }
}
