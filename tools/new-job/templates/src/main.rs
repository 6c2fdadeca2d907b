//! Process of the function: in Lambda or on a TCP port.

use sigpost_runtime::serve::serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    serve(new_job::router_from_env()?).await
}
