//! The dispatch function as a separate process, for tests that kill it and for the Lambda tests.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    dispatch::run(dispatch::Config::from_env()?).await
}
