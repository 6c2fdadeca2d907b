//! The body of every error response.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `{"error":"<text>"}`: the SDKs show it unchanged and the Go one parses it, so every 4xx and 5xx must have it
/// (QStash OpenAPI, `Error`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The error, for the caller. Never internal text.
    pub error: String,
}

impl ErrorBody {
    /// Creates a body with this text.
    pub fn new(error: impl ToString) -> Self {
        Self { error: error.to_string() }
    }
}
