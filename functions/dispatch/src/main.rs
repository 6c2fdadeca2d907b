//! The process of the dispatch function, in Lambda or on a socket.

use sigpost_runtime::settings::reject;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    let config = dispatch::Config::from_env()?;
    reject(&config.dev_credentials())?;
    dispatch::run(config).await
}
