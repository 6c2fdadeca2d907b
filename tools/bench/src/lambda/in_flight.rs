//! Memory with many attempts in flight in one environment.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Client;
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::deployment::Deployment;
use super::outside::Outside;
use super::programs::{DISPATCH, Programs};
use super::starts::memory;
use crate::audit::{self, Expected};
use crate::postgres::Postgres;
use crate::progress::progress;

/// Default of `MAX_IN_FLIGHT` of an environment.
const ATTEMPTS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(20);

/// Memory while the destination delays all responses.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Held {
    /// Attempts in flight.
    pub(super) attempts: usize,
    /// Memory during that time, in millions of bytes.
    pub(super) resident_mb: f64,
    /// Peak memory, after all attempts have ended.
    pub(super) peak_mb: f64,
}

/// Measures the memory. All messages are in one batch, so that one environment has all attempts.
pub(super) async fn measure(programs: &Programs, postgres: &Postgres) -> Result<Held> {
    let outside = Outside::start().await?;
    let database_url = postgres.fresh_database().await?;
    let deployment = Deployment::new(programs, &database_url, outside.resend_url())?;
    let dispatch = deployment.function(DISPATCH);
    let batch = vec![json!({ "destination": outside.held_url(), "body": "{}" }); ATTEMPTS];
    let client = Client::builder().no_proxy().build()?;
    let request = client.post(format!("{}/v2/batch", dispatch.url().await?)).bearer_auth(&deployment.token);
    request.json(&batch).send().await?.error_for_status()?;
    timeout(PATIENCE, outside.holds(ATTEMPTS)).await.context("not all attempts were in flight at the same time")??;

    let environments = dispatch.environments();
    ensure!(environments.len() == 1, "{} environments share the attempts", environments.len());
    let held = memory(&environments[0])?;
    outside.release();
    dispatch.at_rest().await;
    audit::check(&database_url, ATTEMPTS as u64, Expected::Delivered).await?;
    let peak_mb = memory(&environments[0])?.peak_mb.unwrap_or(held.resident_mb);
    progress("lambda", "memory with 256 attempts in flight", &format!("{:.1} MB", held.resident_mb));
    Ok(Held { attempts: ATTEMPTS, resident_mb: held.resident_mb, peak_mb })
}
