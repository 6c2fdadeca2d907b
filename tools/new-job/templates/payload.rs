//! `new-job`: returns a greeting.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Job};

/// Returns a greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJob {
    /// Name in the greeting.
    pub name: String,
}

impl Job for NewJob {
    const TYPE: &'static str = "new-job";
    const ENDPOINT: &'static str = "/api/jobs/new-job";

    fn validate(&self) -> Result<(), Invalid> {
        if self.name.trim().is_empty() {
            return Err(Invalid::new("name", "must not be empty"));
        }
        Ok(())
    }
}
