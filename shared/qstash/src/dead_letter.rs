//! Dead letters: messages that failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::body::AsBase64;
use crate::{Body, DeadLetterId, Headers, Message};

/// An entry of the dead-letter queue: the message and its last response (QStash OpenAPI,
/// `DLQMessage`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// The entry's id.
    pub dlq_id: DeadLetterId,
    /// Status of the last response; 0 without a response. Always present, since Python's SDK requires it.
    pub response_status: u16,
    /// Headers of the last response.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub response_header: Headers,
    /// Body of the last response: `responseBody` or `responseBodyBase64`.
    #[serde(flatten, serialize_with = "response_body", deserialize_with = "read_response_body")]
    #[schemars(with = "ResponseBody<'static>")]
    pub response_body: Body,
}

/// A page of `GET /v2/dlq`. Clients may read another type `T`, such as the JSON of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DeadLettersPage")]
pub struct DeadLettersPage<T = DeadLetter> {
    /// The entries.
    pub messages: Vec<T>,
    /// Cursor of the next page; opaque to clients. `None` at the end: the field must then be absent, not empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResponseBody<'a> {
    /// Body of the last response, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<&'a str>,
    /// Body of the last response, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("contentEncoding" = "base64"))]
    #[schemars(with = "Option<String>")]
    response_body_base64: Option<AsBase64<'a>>,
}

fn response_body<S: serde::Serializer>(body: &Body, serializer: S) -> Result<S::Ok, S::Error> {
    let (response_body, response_body_base64) = body.as_text_or_base64();
    ResponseBody { response_body, response_body_base64 }.serialize(serializer)
}

fn read_response_body<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Body, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Read {
        response_body: Option<String>,
        response_body_base64: Option<String>,
    }
    let Read { response_body, response_body_base64 } = Read::deserialize(from)?;
    Body::of_text_or_base64(response_body, response_body_base64)
}
