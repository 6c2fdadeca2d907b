//! How every `main` begins.

use anyhow::Result;

use crate::telemetry::{self, LogFormat};
use crate::{references, traces};

/// Installs the log subscriber, resolves the references in the environment, and turns traces on if they
/// are wanted. Once per process, before any configuration is read: what is wrong with the settings of logs
/// and traces is reported together with the program's own, by
/// [`Reading::of_process`](crate::Reading::of_process).
///
/// # Errors
///
/// The variable whose reference cannot be resolved, by its name.
pub async fn start() -> Result<()> {
    telemetry::init(LogFormat::from_env())?;
    references::resolve().await?;
    traces::start()
}
