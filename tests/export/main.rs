//! The export function in a process of its own, so that its memory can be looked at.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    sigpost_runtime::serve::serve(export_data::router_from_env()?).await
}
