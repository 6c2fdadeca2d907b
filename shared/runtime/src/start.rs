//! How every `main` begins.

use anyhow::Result;

use crate::references;
use crate::telemetry::{self, LogFormat};

/// Installs the log subscriber and resolves the references in the environment. Once per process,
/// before any configuration is read.
///
/// # Errors
///
/// The variable whose reference cannot be resolved, by its name.
pub async fn start() -> Result<()> {
    telemetry::init(LogFormat::from_env())?;
    references::resolve().await
}
