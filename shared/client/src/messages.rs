//! `/v2/messages`.

use reqwest::Method;
use serde::Serialize;
use sigpost_qstash::{Cancelled, Message, RetriedMessage};

use crate::path::with_segment;
use crate::{Call, Client, MessageFilter};

const PATH: &str = "/v2/messages";

/// Body of bulk requests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ids<'a> {
    message_ids: Vec<&'a str>,
}

impl Client {
    /// Returns a message in any state.
    pub fn get_message(&self, id: &str) -> Call<Message> {
        self.call(Method::GET, with_segment(PATH, id, ""))
    }

    /// Cancels a message.
    pub fn cancel_message(&self, id: &str) -> Call<Cancelled> {
        self.call(Method::DELETE, with_segment(PATH, id, ""))
    }

    /// Cancels the messages with these IDs.
    pub fn cancel_messages_by_id<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Call<Cancelled> {
        self.call(Method::DELETE, Ok(PATH.to_owned())).json(&Ids { message_ids: ids.into_iter().collect() })
    }

    /// Cancels all messages that match; all messages without a filter.
    pub fn cancel_messages(&self, filter: &MessageFilter) -> Call<Cancelled> {
        self.call(Method::DELETE, Ok(PATH.to_owned())).query(filter.parameters())
    }

    /// Makes a message due that waits for its delay or its next attempt.
    pub fn retry_message(&self, id: &str) -> Call<RetriedMessage> {
        self.call(Method::POST, with_segment(PATH, id, "/retry"))
    }
}
