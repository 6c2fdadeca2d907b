//! The response of a publish.

use schemars::JsonSchema;
use serde::Serialize;

use crate::MessageId;

/// One accepted message. A publish to a URL returns one (200, or 202 if it is a duplicate), a publish to a URL group
/// returns an array of them in the order of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishResponse {
    /// The message; for a duplicate, the original one.
    pub message_id: MessageId,
    /// The destination, verbatim.
    pub url: String,
    /// Whether nothing was stored because the message is a duplicate. Omitted if false.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deduplicated: bool,
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
