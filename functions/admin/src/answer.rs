//! What is asked of the database, as an answer.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sigpost_runtime::ApiError;
use sigpost_store::{AsyncPgConnection, Database, Error};
use tokio::time::timeout;

use crate::connection::{NoAnswer, connection};

/// A database that takes longer is not one that jobs can be run on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the database; 503 when it is away or takes too long.
pub(crate) async fn ask<T>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<T, ApiError> {
    let asked = async { Ok::<_, NoAnswer>(question(&mut *connection(database).await?).await?) };
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(ApiError::from),
        Err(_) => Err(Error::Unavailable(format!("no answer within {PATIENCE:?}")).into()),
    }
}

/// The same, answered as JSON.
pub(crate) async fn answer<T: Serialize>(
    database: &Database,
    question: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Error>,
) -> Result<Response, ApiError> {
    Ok(Json(ask(database, question).await?).into_response())
}
