//! Responses of publishes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// One accepted message. A publish to a URL returns one (200, or 202 if it is a duplicate), a publish to a URL group
/// returns an array of them in the order of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishResponse {
    /// The message; for a duplicate, the original one.
    pub message_id: MessageId,
    /// The destination, verbatim.
    pub url: String,
    /// Whether nothing was stored because the message is a duplicate. Omitted if false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
}

/// The response of a publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Published {
    /// To a URL.
    One(PublishResponse),
    /// To a URL group: one result per endpoint, in the order of the endpoints.
    Many(Vec<PublishResponse>),
}

impl Published {
    /// Returns the messages.
    pub fn messages(&self) -> &[PublishResponse] {
        match self {
            Self::One(response) => std::slice::from_ref(response),
            Self::Many(responses) => responses,
        }
    }

    /// Whether all messages are duplicates.
    pub fn is_duplicate(&self) -> bool {
        self.messages().iter().all(|response| response.deduplicated)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::PublishResponse;
    use crate::MessageId;

    #[test]
    fn duplicates_say_so() {
        let response = |deduplicated| {
            serde_json::to_string(&PublishResponse {
                message_id: MessageId(Uuid::nil()),
                url: "https://example.com".to_owned(),
                deduplicated,
            })
            .unwrap()
        };
        assert_eq!(response(false), r#"{"messageId":"msg_1111111111111111","url":"https://example.com"}"#);
        assert!(response(true).ends_with(r#","deduplicated":true}"#));
    }
}
