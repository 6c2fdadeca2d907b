//! The dispatch function's process: in Lambda or on a socket.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    let app = dispatch::App::start(dispatch::Config::from_env()?).await?;
    let served = sigpost_runtime::serve::serve(app.router()).await;
    app.shutdown().await;
    served
}
