//! The function's one route.

use anyhow::Result;
use axum::Router;
use sigpost_files::Files;
use sigpost_jobs::Harness;

use crate::handler::Reporter;

/// `POST /api/jobs/report`.
pub fn router(files: Files, harness: Harness) -> Router {
    sigpost_jobs::router(Reporter { files }, harness)
}

/// The same, configured by the environment: see [`Files::from_env`] and [`Harness::from_env`].
///
/// # Errors
///
/// The first variable that is missing or malformed, by its name.
pub fn router_from_env() -> Result<Router> {
    Ok(router(Files::from_env()?, Harness::from_env()?))
}
