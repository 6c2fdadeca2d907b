//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::handler::Worker;

/// Builds the route `POST /api/jobs/new-job`.
pub fn router(harness: Harness) -> Router {
    sigpost_jobs::router(Worker, harness)
}

/// Builds the route with the settings of the environment ([`Harness::from_env`]).
///
/// # Errors
///
/// Lists all missing and malformed variables.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Harness::from_env()?))
}
