//! The whole life of a process of the dispatch function.

use anyhow::Result;
use sigpost_runtime::{env, serve, traces};

use crate::{App, Config, lambda};

/// Serves and delivers until told to stop: on a socket, or in Lambda.
///
/// # Errors
///
/// The database, or in Lambda the Runtime API, cannot be reached at the start.
pub async fn run(config: Config) -> Result<()> {
    if env::in_lambda() {
        return Box::pin(lambda::serve(config)).await;
    }
    let app = Box::pin(App::start(config)).await?;
    let served = serve::serve(app.router()).await;
    app.shutdown().await;
    traces::flush().await;
    served
}
