//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Config;
use crate::handler::StripeProcessor;

/// Returns the route `POST /api/jobs/stripe-webhook`.
pub fn router(config: Config, harness: Harness) -> Router {
    sigpost_jobs::router(StripeProcessor { config }, harness)
}

/// Returns the route, configured from the environment: see [`Config::read`] and [`Harness::from_env`].
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    let (harness, config) = Harness::from_env_with(Config::read)?;
    Ok(router(config, harness))
}
