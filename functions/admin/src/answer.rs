//! What is asked of the database, as an answer.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sigpost_runtime::{ApiError, outage};
use sigpost_store::{AsyncPgConnection, Database, Error};
use tokio::time::timeout;

/// A database that takes longer is not one that jobs can be run on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the database; 503 when it is away or takes too long.
pub(crate) async fn ask<T>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<T, ApiError> {
    let asked = async { question(&mut *database.connection().await?).await };
    let answer = match timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::Unavailable(format!("no answer within {PATIENCE:?}"))),
    };
    answer.map_err(unknown)
}

fn unknown(error: Error) -> ApiError {
    if !error.is_transient() {
        return ApiError::internal(error);
    }
    outage::reject(&error);
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the database is unavailable")
}

/// The same, answered as JSON.
pub(crate) async fn answer<T: Serialize>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<Response, ApiError> {
    Ok(Json(ask(database, question).await?).into_response())
}
