//! The export function as a separate process, so that tests can measure its memory.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    sigpost_runtime::serve::serve(export_data::router_from_env()?).await
}
