//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_jobs::Harness;

use crate::Config;
use crate::handler::EmailSender;

/// Returns the route `POST /api/jobs/email`.
///
/// # Errors
///
/// The HTTP client cannot be built.
pub fn router(config: Config, harness: Harness) -> Result<Router> {
    Ok(sigpost_jobs::router(EmailSender::new(config)?, harness))
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
