//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Config;
use crate::channels::Channels;
use crate::handler::Checker;

/// `POST /api/jobs/health`.
///
/// # Errors
///
/// The HTTP client cannot be built.
pub fn router(config: Config, harness: Harness) -> Result<Router> {
    Ok(sigpost_jobs::router(Checker { channels: Channels::new(config)? }, harness))
}

/// The same, configured by the environment: see [`Config::from_env`] and [`Harness::from_env`].
///
/// # Errors
///
/// The first variable that is missing or malformed, by its name.
pub fn router_from_env() -> Result<Router> {
    router(Config::from_env()?, Harness::from_env()?)
}
