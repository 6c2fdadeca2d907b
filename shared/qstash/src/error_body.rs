//! The body of every refusal.

use schemars::JsonSchema;
use serde::Serialize;

/// `{"error":"<text>"}`: the SDKs show it as it is and the Go one parses it, so every 4xx and 5xx
/// must carry it (QStash OpenAPI, `Error`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// What went wrong, for the caller. Never internal text.
    pub error: String,
}

impl ErrorBody {
    /// A body with this text.
    pub fn new(error: impl ToString) -> Self {
        Self { error: error.to_string() }
    }
}
