//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::handler::Checker;

/// `POST /api/jobs/health`.
pub fn router(harness: Harness) -> Router {
    sigpost_jobs::router(Checker, harness)
}

/// The same, configured by the environment: see [`Harness::from_env`].
///
/// # Errors
///
/// The first variable that is missing or malformed, by its name.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Harness::from_env()?))
}
