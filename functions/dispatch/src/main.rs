//! The dispatch function's process: in Lambda or on a socket.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    dispatch::run(dispatch::Config::from_env()?).await
}
