//! Startup before the database is available: requests get 503, and the process keeps running.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::get;
use sigpost_runtime::{ApiError, serve};
use sigpost_store::{Database, Error, migrate};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::api::health::healthz;

/// The pause after a failed connection, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Waits until the database takes writes, for as long as it takes, and checks its schema. Meanwhile `/healthz` responds
/// with 200, and every other request gets 503.
///
/// # Errors
///
/// The URL is not one of Postgres, or the schema lacks migrations.
pub async fn wait_for_database(listener: &mut TcpListener, database_url: &str) -> Result<()> {
    let database = Database::new(database_url, 1).context("DATABASE_URL")?;
    if let Some(checked) = check(&database).await {
        return checked;
    }
    let mut checked = Ok(());
    let checking = async {
        let mut pause = FIRST_PAUSE;
        checked = loop {
            sleep(pause).await;
            if let Some(checked) = check(&database).await {
                tracing::info!("the database is available");
                break checked;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
    };
    serve::serve_until(listener, waiting_router(), checking).await.shutdown().await;
    checked
}

/// Checks the schema. `None` if the database is not available yet.
async fn check(database: &Database) -> Option<Result<()>> {
    let migrations = async {
        // Fails if the server does not accept writes.
        drop(database.connection().await?);
        migrate::status(database).await
    };
    match migrations.await {
        Ok(migrations) => {
            let missing = migrations.iter().filter(|migration| !migration.applied).count();
            Some(check_schema(missing))
        }
        Err(error @ (Error::Unavailable(_) | Error::Busy(_))) => {
            tracing::warn!(%error, "waiting for the database; requests get 503");
            None
        }
        Err(error) => Some(Err(error).context("DATABASE_URL")),
    }
}

fn check_schema(missing: usize) -> Result<()> {
    let migrations = if missing == 1 { "1 migration".to_owned() } else { format!("{missing} migrations") };
    ensure!(missing == 0, "this database lacks {migrations}; run `sigpost migrate`");
    Ok(())
}

fn waiting_router() -> Router {
    let unavailable = async || ApiError::try_again("the database is not available yet");
    Router::new().route("/healthz", get(healthz)).fallback(unavailable)
}
