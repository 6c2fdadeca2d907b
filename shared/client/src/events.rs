//! `/v2/events`: the log.

use sigpost_qstash::EventsPage;

use crate::filter::{MessageFilter, Parameters, each, range};
use crate::{Call, Client};

/// Filters of events. All match without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Filters of their messages.
    pub messages: MessageFilter,
    /// Hosts of the destination.
    pub hosts: Vec<String>,
    /// States, such as `DELIVERED`. `IN_PROGRESS` matches ACTIVE, RETRY and ERROR.
    pub states: Vec<String>,
    /// Earliest event, in unix milliseconds.
    pub from_ms: Option<i64>,
    /// Latest event, in unix milliseconds.
    pub to_ms: Option<i64>,
    /// The oldest first. Default: the newest first.
    pub earliest_first: bool,
}

impl EventFilter {
    fn parameters(&self) -> Parameters {
        let mut parameters = self.messages.parameters();
        parameters.extend(each("host", &self.hosts));
        parameters.extend(each("state", &self.states));
        parameters.extend(range(self.from_ms, self.to_ms, self.earliest_first));
        parameters
    }
}

impl Client {
    /// Lists events.
    pub fn list_events(&self, filter: &EventFilter) -> Call<EventsPage> {
        self.get("/v2/events").query(filter.parameters())
    }
}

impl<T> Call<EventsPage<T>> {
    /// Omits the bodies of messages.
    pub fn without_bodies(self) -> Self {
        self.query([("bodies", "false")])
    }
}
