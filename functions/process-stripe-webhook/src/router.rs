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

/// The same, configured by the environment: see [`Config::read`] and [`Harness::from_env`].
///
/// # Errors
///
/// All variables that are missing or malformed, by their names.
pub fn router_from_env() -> Result<Router> {
    let (harness, config) = Harness::from_env_with(Config::read)?;
    Ok(router(config, harness))
}
