//! The dispatch function in a process of its own, for the tests that kill it and for Lambda's.

use sigpost_runtime::telemetry::{self, LogFormat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(LogFormat::from_env())?;
    dispatch::run(dispatch::Config::from_env()?).await
}
