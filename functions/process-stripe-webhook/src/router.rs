//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Config;
use crate::handler::StripeProcessor;

/// `POST /api/jobs/stripe-webhook`.
pub fn router(config: Config, harness: Harness) -> Router {
    sigpost_jobs::router(StripeProcessor { config }, harness)
}

/// The same, configured by the environment: see [`Config::from_env`] and [`Harness::from_env`].
///
/// # Errors
///
/// The first variable that is missing or malformed, by its name.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Config::from_env()?, Harness::from_env()?))
}
