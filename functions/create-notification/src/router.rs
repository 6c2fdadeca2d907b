//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::handler::Notifier;

/// Returns the route `POST /api/jobs/notifications`.
pub fn router(harness: Harness) -> Router {
    sigpost_jobs::router(Notifier, harness)
}

/// Returns the route, configured from the environment: see [`Harness::from_env`].
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Harness::from_env()?))
}
