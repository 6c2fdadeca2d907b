//! The admin function in a process of its own, for Lambda's tests.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    sigpost_runtime::serve::serve(admin::router_from_env()?).await
}
