//! `GET /api/admin/job-health`: for people, and for probes that read only the status.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::ApiError;
use sigpost_store::health::{Health, Numbers, Report, measure};
use sigpost_store::{Database, Error};
use tokio::time::timeout;

use crate::window::WindowQuery;

/// A database that takes longer is not one that jobs can be run on.
const PATIENCE: Duration = Duration::from_secs(10);

/// 200 when healthy or degraded, 503 when unhealthy or when nobody can know.
pub(crate) async fn get_job_health(
    State(database): State<Database>,
    query: Result<Query<WindowQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| ApiError::bad_request("window: must be given once"))?;
    let window = query.window()?;
    let numbers = match timeout(PATIENCE, numbers(&database, window)).await {
        Ok(numbers) => numbers,
        Err(_) => Err(Error::Unavailable(format!("no answer within {PATIENCE:?}"))),
    };
    let report = Report::new(numbers.map_err(unknown)?, window);
    let status = if report.health() == Health::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((status, Json(report)).into_response())
}

async fn numbers(database: &Database, window: Duration) -> Result<Numbers, Error> {
    measure(&mut *database.connection().await?, window).await
}

fn unknown(error: Error) -> ApiError {
    if !error.is_unavailable() {
        return ApiError::internal(error);
    }
    tracing::warn!(%error, "job health cannot be measured");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "the database is unavailable")
}
