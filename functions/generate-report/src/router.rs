//! Route of the function.

use anyhow::Result;
use axum::Router;
use sigpost_files::{Config, Files};
use sigpost_jobs::Harness;

use crate::handler::Reporter;

/// Returns the route `POST /api/jobs/report`.
pub fn router(files: Files, harness: Harness) -> Router {
    sigpost_jobs::router(Reporter { files }, harness)
}

/// Returns the route, configured from the environment: see [`Config::read`] and [`Harness::from_env`].
///
/// # Errors
///
/// Names all variables that are missing or invalid, or the folder cannot be created.
pub fn router_from_env() -> Result<Router> {
    let (harness, files) = Harness::from_env_with(Config::read)?;
    Ok(router(files.open()?, harness))
}
