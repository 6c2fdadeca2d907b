//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Processors;
use crate::handler::WebhookProcessor;

/// Returns the route `POST /api/jobs/webhook`.
pub fn router(processors: Processors, harness: Harness) -> Router {
    sigpost_jobs::router(WebhookProcessor { processors }, harness)
}

/// Returns the route with the built-in processors, configured from the environment: see [`Harness::from_env`].
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Processors::default(), Harness::from_env()?))
}
