//! The dispatch function's process: in Lambda or on a socket.

use sigpost_runtime::telemetry::{self, LogFormat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(LogFormat::from_env())?;
    dispatch::run(dispatch::Config::from_env()?).await
}
