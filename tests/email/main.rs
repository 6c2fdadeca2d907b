//! The function of a handler in a process of its own, for Lambda's tests.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    sigpost_runtime::serve::serve(send_email::router_from_env()?).await
}
