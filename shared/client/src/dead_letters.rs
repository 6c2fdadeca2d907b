//! `/v2/dlq`: messages that failed.

use reqwest::Method;
use serde::Serialize;
use sigpost_qstash::{DeadLetter, DeadLettersPage, Deleted, Retried, RetriedMessage};

use crate::filter::{MessageFilter, Parameters, each, range};
use crate::path::with_segment;
use crate::{Call, Client};

const PATH: &str = "/v2/dlq";
const RETRY: &str = "/v2/dlq/retry";

/// Filters of dead letters. All match without any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Filters of their messages.
    pub messages: MessageFilter,
    /// Statuses of the last response; 0 without a response.
    pub response_statuses: Vec<u16>,
    /// Earliest failure, in unix milliseconds.
    pub from_ms: Option<i64>,
    /// Latest failure, in unix milliseconds.
    pub to_ms: Option<i64>,
    /// The oldest first. Default: the newest first.
    pub earliest_first: bool,
}

impl DeadLetterFilter {
    /// Whether all dead letters match.
    pub fn matches_all(&self) -> bool {
        Self { earliest_first: false, ..self.clone() } == Self::default()
    }

    fn parameters(&self) -> Parameters {
        let mut parameters = self.messages.parameters();
        parameters.extend(each("responseStatus", &self.response_statuses));
        parameters.extend(range(self.from_ms, self.to_ms, self.earliest_first));
        parameters
    }
}

/// Body of bulk requests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ids<'a> {
    dlq_ids: Vec<&'a str>,
}

impl Client {
    /// Lists dead letters.
    pub fn list_dead_letters(&self, filter: &DeadLetterFilter) -> Call<DeadLettersPage> {
        self.get(PATH).query(filter.parameters())
    }

    /// Returns a dead letter.
    pub fn get_dead_letter(&self, id: &str) -> Call<DeadLetter> {
        self.call(Method::GET, with_segment(PATH, id, ""))
    }

    /// Deletes a dead letter.
    pub fn delete_dead_letter(&self, id: &str) -> Call<Deleted> {
        self.call(Method::DELETE, with_segment(PATH, id, ""))
    }

    /// Deletes the dead letters with these IDs.
    pub fn delete_dead_letters_by_id<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Call<Deleted> {
        self.call(Method::DELETE, Ok(PATH.to_owned())).json(&Ids { dlq_ids: ids.into_iter().collect() })
    }

    /// Deletes a page of the dead letters that match.
    pub fn delete_dead_letters(&self, filter: &DeadLetterFilter) -> Call<Deleted> {
        self.call(Method::DELETE, Ok(PATH.to_owned())).query(filter.parameters())
    }

    /// Publishes the message of a dead letter again, and deletes the dead letter.
    pub fn retry_dead_letter(&self, id: &str) -> Call<RetriedMessage> {
        self.call(Method::POST, with_segment(RETRY, id, ""))
    }

    /// Retries the dead letters with these IDs.
    pub fn retry_dead_letters_by_id<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Call<Retried> {
        self.call(Method::POST, Ok(RETRY.to_owned())).json(&Ids { dlq_ids: ids.into_iter().collect() })
    }

    /// Retries a page of the dead letters that match.
    pub fn retry_dead_letters(&self, filter: &DeadLetterFilter) -> Call<Retried> {
        self.call(Method::POST, Ok(RETRY.to_owned())).query(filter.parameters())
    }
}

impl<T> Call<DeadLettersPage<T>> {
    /// Omits the bodies of messages.
    pub fn without_bodies(self) -> Self {
        self.query([("bodies", "false")])
    }
}
