//! `GET /api/admin/job-health`: for people, and for probes that read only the status.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::health::{Health, Report, measure};

use crate::answer::ask;
use crate::window::{HOUR, WindowQuery};

/// 200 when healthy or degraded, 503 when unhealthy or when nobody can know.
pub(crate) async fn get_job_health(State(database): State<Database>, query: WindowQuery) -> Result<Response, ApiError> {
    let window = query.window(HOUR)?;
    let numbers = ask(&database, async |conn| measure(conn, window).await).await?;
    let report = Report::new(numbers, window);
    let status = if report.health() == Health::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((status, Json(report)).into_response())
}
