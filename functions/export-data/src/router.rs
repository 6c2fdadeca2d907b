//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_files::{Config, Files};
use sigpost_jobs::Harness;

use crate::handler::Exporter;

/// `POST /api/jobs/export`.
pub fn router(files: Files, harness: Harness) -> Router {
    sigpost_jobs::router(Exporter { files }, harness)
}

/// The same, configured by the environment: see [`Config::read`] and [`Harness::from_env`].
///
/// # Errors
///
/// All variables that are missing or malformed, by their names, or a folder that cannot be made.
pub fn router_from_env() -> Result<Router> {
    let (harness, files) = Harness::from_env_with(Config::read)?;
    Ok(router(files.open()?, harness))
}
