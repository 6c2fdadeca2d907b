//! The admin function as a separate process, for the Lambda tests.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    sigpost_runtime::serve::serve(admin::router_from_env()?).await
}
