//! The function's process: in Lambda or on a socket.

use sigpost_runtime::serve::serve;
use sigpost_runtime::telemetry::{self, LogFormat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(LogFormat::from_env())?;
    serve(admin::router_from_env()?).await
}
