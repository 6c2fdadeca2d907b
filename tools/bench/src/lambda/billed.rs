//! Billed time of jobs in Lambda: e-mails that are published one at a time at a steady rate, delivered to the URL of the
//! handler, and sent by it.

use std::time::Duration;

use anyhow::{Context, Result};
use lambda_emulator::Function;
use reqwest::{Client, StatusCode};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::cost;
use super::deployment::Deployment;
use super::outside::Outside;
use super::programs::{DISPATCH, Programs};
use super::starts::{memory, pid};
use crate::audit::{self, Expected};
use crate::postgres::Postgres;
use crate::process;
use crate::progress::progress;

const RATES: [u32; 3] = [1, 10, 100];
const SECONDS: u32 = 10;
const TICK: Duration = Duration::from_secs(3);
const THROTTLED: Duration = Duration::from_millis(100);

/// Measurements at one rate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Billed {
    pub(super) jobs_per_s: u32,
    pub(super) jobs: u32,
    pub(super) dispatch: Share,
    pub(super) handler: Share,
    /// Cost of a million jobs, in dollars.
    pub(super) dollars: f64,
    /// Cost of a million jobs if an environment has only its share of a CPU, in dollars.
    pub(super) dollars_on_a_share: f64,
}

/// Share of a function in a job.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Share {
    /// Environments at the end.
    pub(super) environments: usize,
    /// Billed milliseconds per job.
    pub(super) billed_ms: f64,
    /// CPU milliseconds per job.
    pub(super) cpu_ms: f64,
    /// Peak memory of any environment, in millions of bytes.
    pub(super) peak_mb: f64,
}

/// Measures the billed time at each rate.
pub(super) async fn measure(programs: &Programs, postgres: &Postgres) -> Result<Vec<Billed>> {
    let outside = Outside::start().await?;
    let mut billed = Vec::new();
    for rate in RATES {
        billed.push(at(rate, programs, postgres, outside.resend_url()).await?);
    }
    Ok(billed)
}

async fn at(rate: u32, programs: &Programs, postgres: &Postgres, resend_url: &str) -> Result<Billed> {
    let database_url = postgres.fresh_database().await?;
    let deployment = Deployment::new(programs, &database_url, resend_url)?;
    let (dispatch, handler) = (deployment.function(DISPATCH), deployment.handler()?);
    let url = format!("{}/v2/publish/{}/api/jobs/email", dispatch.url().await?, deployment.handler_url);
    let publishing = Publishing { client: Client::builder().no_proxy().build()?, url, token: deployment.token.clone() };

    // Start the first environments before the measurement.
    publishing.publish().await?;
    audit::check(&database_url, 1, Expected::Delivered).await?;
    at_rest(&dispatch, &handler).await;
    let before = [used(&dispatch)?, used(&handler)?];
    let jobs = rate * SECONDS;
    publishing.publish_at(rate, jobs).await?;
    tokio::select! {
        delivered = audit::check(&database_url, u64::from(jobs) + 1, Expected::Delivered) => delivered?,
        ended = tick(&dispatch) => ended?,
    }
    at_rest(&dispatch, &handler).await;

    let dispatch = share(&dispatch, &before[0], jobs)?;
    let handler = share(&handler, &before[1], jobs)?;
    let on_a_share = |share: &Share, memory| cost::on_a_share(share.billed_ms, share.cpu_ms, memory);
    let billed = Billed {
        jobs_per_s: rate,
        jobs,
        dollars: cost::per_million_jobs(dispatch.billed_ms, handler.billed_ms),
        dollars_on_a_share: cost::per_million_jobs(
            on_a_share(&dispatch, cost::DISPATCH_MEMORY),
            on_a_share(&handler, cost::HANDLER_MEMORY),
        ),
        dispatch,
        handler,
    };
    let figure = format!("{:.1} ms dispatch, {:.1} ms handler", dispatch.billed_ms, handler.billed_ms);
    progress("lambda", &format!("billed per job at {rate} jobs/s"), &figure);
    Ok(billed)
}

/// A publisher of e-mails.
#[derive(Clone)]
struct Publishing {
    client: Client,
    url: String,
    token: String,
}

impl Publishing {
    async fn publish(&self) -> Result<()> {
        let data = json!({ "dashboardUrl": "https://acme.example", "recipientName": "Ada" });
        let email = json!({ "template": "welcome", "to": "ada@example.com", "data": data });
        loop {
            let request = self.client.post(&self.url).bearer_auth(&self.token).json(&email);
            let response = request.send().await?;
            // Every environment is busy, which happens on a busy machine: retry like a client.
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                response.error_for_status()?.bytes().await?;
                return Ok(());
            }
            sleep(THROTTLED).await;
        }
    }

    /// Publishes at a rate per second, without waiting for responses.
    async fn publish_at(&self, rate: u32, jobs: u32) -> Result<()> {
        let mut publishes = JoinSet::new();
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..jobs {
            ticks.tick().await;
            let publishing = self.clone();
            publishes.spawn(async move { publishing.publish().await });
        }
        while let Some(published) = publishes.join_next().await {
            published.context("a publish panicked")??;
        }
        Ok(())
    }
}

/// Invokes ticks until the task is dropped: only a tick retries an attempt that found every handler busy. In Lambda there
/// is one tick per minute.
async fn tick(dispatch: &Function) -> Result<()> {
    loop {
        sleep(TICK).await;
        dispatch.invoke(json!({ "sigpost": "tick" })).await?;
    }
}

async fn at_rest(dispatch: &Function, handler: &Function) {
    dispatch.at_rest().await;
    handler.at_rest().await;
}

/// Billed time and CPU time of all environments of a function.
struct Used {
    billed_ms: f64,
    cpu_ms: f64,
}

fn used(function: &Function) -> Result<Used> {
    let mut used = Used { billed_ms: 0.0, cpu_ms: 0.0 };
    for environment in function.environments() {
        // Each invocation, and the start before the first one, is rounded up to a millisecond.
        let times = environment.billed().into_iter().chain(environment.polled_after());
        used.billed_ms += times.map(|time| (time.as_secs_f64() * 1e3).ceil()).sum::<f64>();
        used.cpu_ms += process::live_cpu_seconds(pid(&environment)?)? * 1e3;
    }
    Ok(used)
}

fn share(function: &Function, before: &Used, jobs: u32) -> Result<Share> {
    let used = used(function)?;
    let mut peak_mb: f64 = 0.0;
    let environments = function.environments();
    for environment in &environments {
        let memory = memory(environment)?;
        peak_mb = peak_mb.max(memory.peak_mb.unwrap_or(memory.resident_mb));
    }
    Ok(Share {
        environments: environments.len(),
        billed_ms: (used.billed_ms - before.billed_ms) / f64::from(jobs),
        cpu_ms: (used.cpu_ms - before.cpu_ms) / f64::from(jobs),
        peak_mb,
    })
}
