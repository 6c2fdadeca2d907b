//! The job type: its payload, constants and validation. Publishers in Rust share this file.

use serde::{Deserialize, Serialize};
use sigpost_jobs::{Invalid, Job};

/// Returns a greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHandler {
    /// Name in the greeting.
    pub name: String,
}

impl Job for OwnHandler {
    // Stored messages contain the type: do not change it.
    const TYPE: &'static str = "own-handler";
    const ENDPOINT: &'static str = "/api/jobs/own-handler";

    fn validate(&self) -> Result<(), Invalid> {
        if self.name.trim().is_empty() {
            return Err(Invalid::new("name", "must not be empty"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_without_a_name_is_invalid() {
        let error = OwnHandler { name: " ".into() }.validate().expect_err("invalid");
        assert_eq!(error.to_string(), "name: must not be empty");
    }
}
