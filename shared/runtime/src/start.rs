//! How every `main` begins.

use anyhow::Result;

use crate::telemetry::{self, LogFormat};
use crate::{references, traces};

/// Installs the log subscriber, resolves the references in the environment, and turns traces on if they
/// are wanted. Once per process, before any configuration is read.
///
/// # Errors
///
/// The variable whose reference cannot be resolved, or which cannot be used, by its name.
pub async fn start() -> Result<()> {
    telemetry::init(LogFormat::from_env())?;
    references::resolve().await?;
    traces::start()
}
