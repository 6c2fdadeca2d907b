//! Responses with the result of a database query.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sigpost_runtime::ApiError;
use sigpost_store::{AsyncPgConnection, Database, Error};
use tokio::time::timeout;

use crate::connection::{NoAnswer, connection};

/// Timeout of the queries of a request. A slower database cannot run jobs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the query. Returns a 503 if the database is unavailable or the query takes longer than [`PATIENCE`].
pub(crate) async fn ask<T>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<T, ApiError> {
    let asked = async { Ok::<_, NoAnswer>(question(&mut *connection(database).await?).await?) };
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(ApiError::from),
        Err(_) => Err(Error::Unavailable(format!("no response within {PATIENCE:?}")).into()),
    }
}

/// Runs the query as [`ask`] does. Returns the result as JSON.
pub(crate) async fn answer<T: Serialize>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<Response, ApiError> {
    Ok(Json(ask(database, question).await?).into_response())
}
