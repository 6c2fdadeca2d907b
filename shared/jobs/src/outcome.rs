//! Results of completed runs.

use serde::Serialize;
use serde_json::{Value, json};

/// Result of a completed run, recorded up to 64 KiB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome(pub Option<Value>);

impl Outcome {
    /// Completed without a result.
    pub fn done() -> Self {
        Self(None)
    }

    /// Completed with a result.
    pub fn with(result: impl Serialize) -> Self {
        // A result that cannot be serialized must not fail a completed run.
        Self(Some(serde_json::to_value(result).unwrap_or_else(|why| json!({ "unserializable": why.to_string() }))))
    }
}
