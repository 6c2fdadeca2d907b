//! `GET /api/admin/job-health`: job health, also for probes that read only the status code.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sigpost_health::{Readings, Rules, report};
use sigpost_qstash::admin::{self, Health, JobHealth};
use sigpost_runtime::ApiError;
use sigpost_store::alerts::Alert;
use sigpost_store::metrics::catch_up;
use sigpost_store::{AsyncPgConnection, Database};

use crate::answer::ask;
use crate::window::{HOUR, WindowQuery};

/// Returns 200 if healthy or degraded, 503 if unhealthy or if the database is unavailable.
pub(crate) async fn get_job_health(
    State((database, rules)): State<(Database, Arc<Rules>)>,
    query: WindowQuery,
) -> Result<Response, ApiError> {
    let window = query.window(HOUR)?;
    let asked = async |conn: &mut AsyncPgConnection| {
        catch_up(conn).await?;
        Readings::measure(conn, window).await
    };
    let readings = ask(&database, asked).await?;
    let alerts = readings.alerts.clone().into_iter().map(on_the_wire).collect();
    let report = report(readings, &rules);
    let status = if report.health == Health::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok((status, Json(JobHealth { report, alerts })).into_response())
}

fn on_the_wire(alert: Alert) -> admin::Alert {
    let Alert { rule, subject, severity, value, message, opened_at_ms, .. } = alert;
    admin::Alert { rule, subject, severity, value, message, opened_at_ms }
}
