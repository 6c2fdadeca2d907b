//! The dispatch function's process: in Lambda or on a socket.

use sigpost_runtime::telemetry::{self, LogFormat};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::init(LogFormat::from_env())?;
    let app = dispatch::App::start(dispatch::Config::from_env()?).await?;
    let served = sigpost_runtime::serve::serve(app.router()).await;
    app.shutdown().await;
    served
}
