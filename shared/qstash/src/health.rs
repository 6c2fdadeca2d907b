//! The response of the probes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The response of a successful probe, `GET /healthz` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// `ok` or `ready`.
    pub status: String,
}
