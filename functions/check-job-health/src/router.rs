//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Config;
use crate::channels::Channels;
use crate::handler::Checker;

/// Returns the route `POST /api/jobs/health`.
///
/// # Errors
///
/// The HTTP client cannot be built.
pub fn router(config: Config, harness: Harness) -> Result<Router> {
    Ok(sigpost_jobs::router(Checker { channels: Channels::new(config)? }, harness))
}

/// Returns the route, configured from the environment: see [`Config::read`] and [`Harness::from_env`].
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    let (harness, config) = Harness::from_env_with(Config::read)?;
    router(config, harness)
}
