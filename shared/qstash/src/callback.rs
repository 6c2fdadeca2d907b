//! The body of a callback.

use bytes::Bytes;
use serde::Serialize;

use crate::{DeadLetterId, Headers, MessageId, Method, body};

/// Body of a callback or failure callback (QStash docs, "Callbacks"). Times are unix
/// milliseconds, as numbers; the docs show them as strings, the SDKs' examples as numbers.
///
/// `body`, `sourceBody` and `sourceHeader` are always present, since the docs' examples read them without a check;
/// other absent fields are omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackBody {
    /// Status of the response; 0 without a response.
    pub status: u16,
    /// Headers of the response.
    pub header: Headers,
    /// Body of the response, possibly truncated; base64 in the JSON.
    #[serde(serialize_with = "body::as_base64")]
    pub body: Bytes,
    /// Retries made so far. Equal to `max_retries` on the last attempt.
    pub retried: u32,
    /// Attempts after the first.
    pub max_retries: u32,
    /// The entry in the dead-letter queue. Failure callbacks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dlq_id: Option<DeadLetterId>,
    /// The message that the callback reports on.
    pub source_message_id: MessageId,
    /// The URL group of the publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_name: Option<String>,
    /// The endpoint's name within the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_name: Option<String>,
    /// The destination of the message, verbatim.
    pub url: String,
    /// The method of its deliveries.
    pub method: Method,
    /// Its `Content-Type` and forwarded headers, as lists like everywhere else.
    pub source_header: Headers,
    /// Its body; base64 in the JSON.
    #[serde(serialize_with = "body::as_base64")]
    pub source_body: Bytes,
    /// Earliest delivery.
    pub not_before: i64,
    /// When it was published.
    pub created_at: i64,
    /// The schedule that produced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule_id: Option<String>,
    /// Address of its publisher. Only under this name.
    #[serde(rename = "callerIP", skip_serializing_if = "Option::is_none")]
    pub caller_ip: Option<String>,
    /// Why there was no response. Not in QStash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;
    use uuid::Uuid;

    use super::CallbackBody;
    use crate::{DeadLetterId, Headers, MessageId, Method};

    #[test]
    fn bodies_are_base64_and_absent_fields_left_out() {
        let mut body = CallbackBody {
            status: 0,
            header: Headers::default(),
            body: Bytes::new(),
            retried: 3,
            max_retries: 3,
            dlq_id: None,
            source_message_id: MessageId(Uuid::nil()),
            topic_name: None,
            endpoint_name: None,
            url: "https://example.com".to_owned(),
            method: Method::Post,
            source_header: Headers::default(),
            source_body: Bytes::from_static(b"text"),
            not_before: 1,
            created_at: 2,
            schedule_id: None,
            caller_ip: None,
            error: None,
        };
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({
                "status": 0,
                "header": {},
                "body": "",
                "retried": 3,
                "maxRetries": 3,
                "sourceMessageId": "msg_1111111111111111",
                "url": "https://example.com",
                "method": "POST",
                "sourceHeader": {},
                "sourceBody": "dGV4dA==",
                "notBefore": 1,
                "createdAt": 2,
            })
        );
        body.dlq_id = Some(DeadLetterId { failed_at_ms: 5, seq: 0 });
        body.caller_ip = Some("192.0.2.1".to_owned());
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(json["dlqId"], "5-0");
        assert_eq!(json["callerIP"], "192.0.2.1");
    }
}
