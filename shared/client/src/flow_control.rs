//! `/v2/flowControl`.

use reqwest::Method;
use sigpost_qstash::{FlowControlKey, GlobalParallelism};

use crate::path::with_segment;
use crate::{Call, Client, Done};

const PATH: &str = "/v2/flowControl";

/// Limits to pin. The API requires at least one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pin {
    /// Maximum number of attempts in flight.
    pub parallelism: Option<u32>,
    /// Maximum number of attempts that start in a period.
    pub rate: Option<u32>,
    /// The period of the rate, such as `1m`. Default `1s`.
    pub period: Option<String>,
}

impl Client {
    /// Lists flow-control keys by name: those that contain this text, or all.
    pub fn list_flow_control_keys(&self, search: Option<&str>) -> Call<Vec<FlowControlKey>> {
        self.get(PATH).query(search.map(|text| ("search", text)))
    }

    /// Returns a flow-control key.
    pub fn get_flow_control_key(&self, key: &str) -> Call<FlowControlKey> {
        self.call(Method::GET, with_segment(PATH, key, ""))
    }

    /// Pauses a flow-control key.
    pub fn pause_flow_control_key(&self, key: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, key, "/pause"))
    }

    /// Resumes a flow-control key.
    pub fn resume_flow_control_key(&self, key: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, key, "/resume"))
    }

    /// Sets limits that messages do not change until they are unpinned.
    pub fn pin_flow_control_key(&self, key: &str, limits: &Pin) -> Call<Done> {
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        let limits = [
            ("parallelism", number(limits.parallelism)),
            ("rate", number(limits.rate)),
            ("period", limits.period.clone()),
        ];
        let given = limits.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.call(Method::POST, with_segment(PATH, key, "/pin")).query(given)
    }

    /// Lets messages change the parallelism, the rate, or both again.
    pub fn unpin_flow_control_key(&self, key: &str, parallelism: bool, rate: bool) -> Call<Done> {
        let limits = [("parallelism", parallelism), ("rate", rate)];
        let given = limits.into_iter().filter(|(_, given)| *given).map(|(name, _)| (name, "true"));
        self.call(Method::POST, with_segment(PATH, key, "/unpin")).query(given)
    }

    /// Starts a new rate period with a count of 0.
    pub fn reset_flow_control_rate(&self, key: &str) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, key, "/resetRate"))
    }

    /// Returns the concurrency limit of a process and the attempts in flight of the deployment.
    pub fn get_global_parallelism(&self) -> Call<GlobalParallelism> {
        self.get("/v2/globalParallelism")
    }
}
