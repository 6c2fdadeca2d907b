//! Responses of `/v2/flowControl` and `/v2/globalParallelism`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A flow-control key (QStash OpenAPI, `FlowControlKey`). All fields are always present: the JavaScript tests check
/// that each is a number or a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowControlKey {
    /// The key.
    pub flow_control_key: String,
    /// Messages blocked by the key.
    pub wait_list_size: i64,
    /// Maximum of attempts in flight; 0 without this limit.
    pub parallelism_max: u32,
    /// Attempts in flight.
    pub parallelism_count: i64,
    /// Maximum of attempts started in one period; 0 without this limit.
    pub rate_max: u32,
    /// Attempts started in this period.
    pub rate_count: i64,
    /// The period in whole seconds.
    pub rate_period: u64,
    /// Start of this period, unix **seconds**.
    pub rate_period_start: i64,
    /// Whether messages cannot change `parallelism_max`.
    pub is_pinned_parallelism: bool,
    /// Whether messages cannot change `rate_max` and `rate_period`.
    pub is_pinned_rate: bool,
    /// Whether deliveries are paused.
    pub is_paused: bool,
}

/// Response of `GET /v2/globalParallelism`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlobalParallelism {
    /// Maximum of attempts in flight.
    pub parallelism_max: i64,
    /// Attempts in flight.
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
