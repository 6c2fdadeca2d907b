//! The body of every error response.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// `{"error":"<text>","code":"<code>","requestId":"<ID>"}`. QStash has only `error`: its SDKs show it unchanged and the
/// Go one parses it, so every 4xx and 5xx must have it (QStash OpenAPI, `Error`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// The error, for people. Never internal text.
    pub error: String,
    /// The code of the error, for programs.
    pub code: ErrorCode,
    /// The ID of the request, as in the header `Sigpost-Request-Id` and in the log of the server.
    pub request_id: String,
}
