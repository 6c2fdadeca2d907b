//! The dispatch function in a process of its own, for the tests that kill it and for Lambda's.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    dispatch::run(dispatch::Config::from_env()?).await
}
