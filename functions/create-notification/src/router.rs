//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::handler::Notifier;

/// `POST /api/jobs/notifications`.
pub fn router(harness: Harness) -> Router {
    sigpost_jobs::router(Notifier, harness)
}

/// The same, configured by the environment: see [`Harness::from_env`].
///
/// # Errors
///
/// All variables that are missing or malformed, by their names.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Harness::from_env()?))
}
