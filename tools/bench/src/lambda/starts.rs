//! Cold starts: from the start of a process to its first poll for an event, and to its first response.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lambda_emulator::{Environment, Function};
use reqwest::Client;
use serde::Serialize;
use tokio::time::sleep;

use super::deployment::Deployment;
use super::node::Node;
use super::programs::{DISPATCH, FUNCTIONS, Programs};
use crate::audit::{self, Expected};
use crate::postgres::Postgres;
use crate::process::{self, Memory};
use crate::progress::progress;
use crate::series::Series;
use crate::sink::Destination;
use crate::sink::process::SinkProcess;

/// Environments started of each function.
const RUNS: u64 = 21;
/// Pause until a killed process and its connection to Postgres have ended.
const PAUSE: Duration = Duration::from_millis(50);

/// Cold starts of one function, one environment per run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Start {
    /// Name of the function.
    pub(super) function: String,
    /// Size of the binary, in millions of bytes.
    pub(super) binary_mb: f64,
    /// Time from the start of the process to its first poll for an event. `dispatch` is connected to the database by
    /// then.
    pub(super) first_poll_ms: Series,
    /// Time from the start of the process to its first response: to a publish for `dispatch`, a rejection for others.
    pub(super) first_answer_ms: Series,
    /// Resident memory after the first response, in millions of bytes.
    pub(super) resident_mb: Series,
}

/// Measures all functions and Node in turn.
pub(super) async fn measure(
    programs: &Programs,
    postgres: &Postgres,
    sink: &SinkProcess,
    node_sdk: Option<&Path>,
) -> Result<(Vec<Start>, Option<Start>)> {
    sink.reset().await?;
    let database_url = postgres.fresh_database().await?;
    let deployment = Deployment::new(programs, &database_url, &sink.url(Destination::Plain))?;
    let mut starts = Vec::new();
    for function in FUNCTIONS {
        let bytes = std::fs::metadata(programs.path(function)).context(function)?.len();
        starts.push(Start::new(function.to_owned(), bytes as f64 / 1e6));
    }
    let node = Node::find(programs, node_sdk).await?;
    let mut of_node = node.as_ref().map(|node| Start::new(node.version().to_owned(), 0.0));

    for _ in 0..RUNS {
        for start in &mut starts {
            let publish = (start.function == DISPATCH).then(|| format!("/v2/publish/{}", sink.url(Destination::Plain)));
            start.run(deployment.function(&start.function), &deployment.token, publish.as_deref()).await?;
        }
        if let Some((node, start)) = node.as_ref().zip(of_node.as_mut()) {
            start.run(deployment.foreign_function(node.bootstrap()), &deployment.token, None).await?;
        }
    }
    audit::check(&database_url, RUNS, Expected::Delivered).await?;
    for start in starts.iter().chain(&of_node) {
        let figure = format!("{:.1} ms", start.first_poll_ms.median());
        progress("lambda", &format!("spawn to first poll, {}", start.function), &figure);
    }
    Ok((starts, of_node))
}

impl Start {
    fn new(function: String, binary_mb: f64) -> Self {
        let (first_poll_ms, first_answer_ms, resident_mb) = Default::default();
        Self { function, binary_mb, first_poll_ms, first_answer_ms, resident_mb }
    }

    /// Starts one environment, sends one request, waits until it is idle, and kills it.
    async fn run(&mut self, function: Function, token: &str, publish: Option<&str>) -> Result<()> {
        let url = function.url().await?;
        let client = Client::builder().no_proxy().build()?;
        let request = match publish {
            Some(path) => client.post(format!("{url}{path}")).bearer_auth(token).body("{}"),
            None => client.post(format!("{url}/")).body("{}"),
        };
        let status = request.send().await?.status();
        let answered = if publish.is_some() { status.is_success() } else { status.is_client_error() };
        ensure!(answered, "{} responded with {status}", self.function);
        function.at_rest().await;
        let environments = function.environments();
        let environment = environments.first().context("no environment was started")?;
        let milliseconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1e3);
        self.first_poll_ms.push(milliseconds(environment.polled_after()).context("it did not poll for an event")?);
        self.first_answer_ms.push(milliseconds(environment.answered_after()).context("it sent no response")?);
        self.resident_mb.push(memory(environment)?.resident_mb);
        drop((function, environments));
        sleep(PAUSE).await;
        Ok(())
    }
}

/// Reads the memory of the process of an environment.
pub(super) fn memory(environment: &Environment) -> Result<Memory> {
    process::memory(pid(environment)?)
}

/// Returns the process of an environment, which must be alive.
pub(super) fn pid(environment: &Environment) -> Result<u32> {
    let pid = environment.process_id().and_then(|pid| u32::try_from(pid).ok());
    pid.context("an environment has ended")
}
