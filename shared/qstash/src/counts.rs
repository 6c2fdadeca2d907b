//! Responses that contain counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MessageId;

/// Response of `DELETE /v2/messages` and `DELETE /v2/messages/{id}`, 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    /// Messages cancelled.
    pub cancelled: u64,
}

/// Response of `DELETE /v2/dlq`, 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    /// Entries deleted.
    pub deleted: u64,
    /// Present if there may be more to delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Response of `POST /v2/dlq/retry`, 201.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// The new messages.
    pub responses: Vec<RetriedMessage>,
    /// Present if there may be more to retry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A retried dead letter. On its own it is the response of `POST /v2/dlq/retry/{dlqId}`, 201.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetriedMessage {
    /// The new message.
    pub message_id: MessageId,
}
