//! Process of the handler: in Lambda, or on the socket `LISTEN`.

mod handler;
mod job;

use handler::Worker;
use sigpost_jobs::{Harness, router, serve, start};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Logs, traces, and settings that refer to secrets of AWS.
    start().await?;
    serve(router(Worker, Harness::from_env()?)).await
}
