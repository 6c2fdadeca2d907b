//! Runs a process of the dispatch function.

use anyhow::Result;
use sigpost_runtime::{Reading, env, serve, traces};

use crate::startup::wait_for_database;
use crate::{App, Config, lambda};

/// Serves and delivers on a socket or in Lambda until the process is terminated.
///
/// # Errors
///
/// In Lambda, the database or the Runtime API is unreachable at the start; elsewhere, the schema is not applied.
pub async fn run(config: Config) -> Result<()> {
    if env::in_lambda() {
        return Box::pin(lambda::serve(config)).await;
    }
    let mut listener = serve::bind(serve::address(&mut Reading::as_far_as_set())).await?;
    let mut terminated = Box::pin(serve::terminated());
    tokio::select! {
        () = &mut terminated => return Ok(()),
        waited = wait_for_database(&mut listener, &config.database_url.0) => waited?,
    }
    let app = Box::pin(App::start(config)).await?;
    let served = serve::serve_on(listener, app.router(), terminated).await;
    app.shutdown().await;
    traces::flush().await;
    served
}
