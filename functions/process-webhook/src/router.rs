//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Processors;
use crate::handler::WebhookProcessor;

/// `POST /api/jobs/webhook`.
pub fn router(processors: Processors, harness: Harness) -> Router {
    sigpost_jobs::router(WebhookProcessor { processors }, harness)
}

/// The same with the processors that are here, configured by the environment: see [`Harness::from_env`].
///
/// # Errors
///
/// All variables that are missing or malformed, by their names.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Processors::default(), Harness::from_env()?))
}
