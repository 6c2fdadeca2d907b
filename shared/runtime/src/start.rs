//! The first step of every `main`.

use anyhow::Result;

use crate::telemetry::{self, LogFormat};
use crate::{references, traces};

/// Installs the log subscriber, resolves the references in the environment, and starts traces if an endpoint is set.
/// Call it once per process, before any configuration is read: problems with the settings of logs and traces are
/// reported together with the program's own, by [`Reading::of_process`](crate::Reading::of_process).
///
/// # Errors
///
/// Names the variable whose reference cannot be resolved.
pub async fn start() -> Result<()> {
    telemetry::init(LogFormat::from_env())?;
    references::resolve().await?;
    traces::start()
}
