//! Filters that several lists share.

/// Query parameters of a request.
pub(crate) type Parameters = Vec<(&'static str, String)>;

/// Filters of messages. A message matches if it has one of the values of each list that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Exact destination URLs.
    pub urls: Vec<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Message IDs.
    pub message_ids: Vec<String>,
    /// Queues.
    pub queues: Vec<String>,
    /// URL groups.
    pub url_groups: Vec<String>,
    /// Schedules.
    pub schedule_ids: Vec<String>,
    /// Flow-control keys.
    pub flow_control_keys: Vec<String>,
}

impl MessageFilter {
    pub(crate) fn parameters(&self) -> Parameters {
        let all = [
            ("url", &self.urls),
            ("label", &self.labels),
            ("messageId", &self.message_ids),
            ("queueName", &self.queues),
            ("topicName", &self.url_groups),
            ("scheduleId", &self.schedule_ids),
            ("flowControlKey", &self.flow_control_keys),
        ];
        all.into_iter().flat_map(|(name, values)| each(name, values)).collect()
    }
}

/// Returns a parameter for each value.
pub(crate) fn each<V: ToString>(name: &'static str, values: &[V]) -> impl Iterator<Item = (&'static str, String)> {
    values.iter().map(move |value| (name, value.to_string()))
}

/// Returns the parameters of a time range and an order.
pub(crate) fn range(from_ms: Option<i64>, to_ms: Option<i64>, earliest_first: bool) -> Parameters {
    let from = from_ms.map(|ms| ("fromDate", ms.to_string()));
    let to = to_ms.map(|ms| ("toDate", ms.to_string()));
    let order = earliest_first.then(|| ("order", "earliestFirst".to_owned()));
    [from, to, order].into_iter().flatten().collect()
}
