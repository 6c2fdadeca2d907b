//! Publishes to a warm environment, one at a time, each after the environment is frozen again.

use std::time::Instant;

use anyhow::{Context, Result};
use reqwest::Client;
use serde::Serialize;

use super::deployment::Deployment;
use super::programs::{DISPATCH, Programs};
use super::starts::memory;
use crate::audit::{self, Expected};
use crate::load::job;
use crate::postgres::Postgres;
use crate::progress::progress;
use crate::series::percentile;
use crate::sink::Destination;
use crate::sink::process::SinkProcess;

const JOBS: u64 = 200;

/// The figures, in milliseconds from the request to the function's URL to its response.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Accepts {
    /// Publishes after the first one.
    pub(super) jobs: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// Memory of the environment at the end, in millions of bytes.
    pub(super) resident_mb: f64,
}

/// Measures warm publishes.
pub(super) async fn measure(programs: &Programs, postgres: &Postgres, sink: &SinkProcess) -> Result<Accepts> {
    sink.reset().await?;
    let database_url = postgres.fresh_database().await?;
    let deployment = Deployment::new(programs, &database_url, &sink.url(Destination::Plain))?;
    let dispatch = deployment.function(DISPATCH);
    let url = format!("{}/v2/publish/{}", dispatch.url().await?, sink.url(Destination::Plain));
    let client = Client::builder().no_proxy().build()?;
    let mut times_ms = Vec::new();
    for number in 0..=JOBS {
        let request = client.post(&url).bearer_auth(&deployment.token).body(job::body(number, job::now_ns()));
        let started = Instant::now();
        request.send().await?.error_for_status()?.bytes().await?;
        times_ms.push(started.elapsed().as_secs_f64() * 1e3);
        dispatch.at_rest().await;
    }
    audit::check(&database_url, JOBS + 1, Expected::Delivered).await?;

    // The first publish was a cold start.
    let mut warm_ms = times_ms.split_off(1);
    warm_ms.sort_by(f64::total_cmp);
    let environments = dispatch.environments();
    let environment = environments.first().context("no environment was started")?;
    let accepts = Accepts {
        jobs: JOBS,
        p50_ms: percentile(&warm_ms, 0.5),
        p99_ms: percentile(&warm_ms, 0.99),
        resident_mb: memory(environment)?.resident_mb,
    };
    progress("lambda", "warm accept", &format!("p50 {:.2} ms, p99 {:.2} ms", accepts.p50_ms, accepts.p99_ms));
    Ok(accepts)
}
