//! Entry point of the function, in Lambda or on a socket.

use sigpost_runtime::serve::serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    serve(generate_report::router_from_env()?).await
}
