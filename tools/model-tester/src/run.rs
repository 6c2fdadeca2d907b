//! Runs scenarios in parallel, each in its own deployment, and reports differences from the model.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};

use crate::check::{Finding, check};
use crate::deployment::Deployment;
use crate::{history, scenario};

/// Maximum repetitions of a scenario whose findings may be caused by a busy machine.
const MOST_TRIES: u32 = 10;

/// Compare queues and flow-control keys with a model, in random scenarios with real processes.
///
/// Requires the program `sigpost` in the same folder: `cargo build -p sigpost -p model-tester`. Exits with 1 on
/// findings, which it prints on stderr with the operations of the scenario. Repeat a scenario with its seed.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Number of scenarios. Half of the deployments have one process, half have two.
    #[arg(long, default_value_t = 100)]
    scenarios: u64,
    /// Number of parallel deployments, each with its own database and processes.
    #[arg(long, default_value_t = 8)]
    deployments: usize,
    /// Seed of the first scenario. Each further scenario increments it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One of this number of scenarios shuts down or kills a process; 0 means none.
    #[arg(long, default_value_t = 5)]
    faults_one_in: u64,
    /// Lease in seconds. Limits are rescanned once per lease, so a short lease hides missed wake-ups.
    #[arg(long, default_value_t = 20)]
    lease: u32,
    /// Lease in seconds in deployments whose processes are killed.
    #[arg(long, default_value_t = 3)]
    lease_with_faults: u32,
    /// Program to test. Default: `sigpost` in the folder of this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Print the counts as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default)]
struct Counts {
    scenarios: BTreeMap<String, u64>,
    messages: usize,
    attempts: usize,
    /// Scenarios that were repeated because the machine was busy during a finding.
    repeated: u64,
    findings: BTreeMap<&'static str, u64>,
}

struct Run {
    arguments: Arguments,
    server: Server,
    program: PathBuf,
    folder: PathBuf,
    next: AtomicU64,
    /// Limits simultaneous starts, which would overload the machine.
    starting: tokio::sync::Mutex<()>,
    counts: Mutex<Counts>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    ensure!(arguments.deployments > 0, "invalid --deployments: expected 1 or more");
    let started = Instant::now();
    let connections = (arguments.deployments * 24 + 50).to_string();
    let options = Options {
        data_dir: DataDir::Temporary,
        durability: Durability::Fast,
        settings: vec![("max_connections".to_owned(), connections)],
    };
    let server = tokio::task::spawn_blocking(|| Server::start(options, &mut |line| eprintln!("{line}"))).await??;
    let folder = tempfile::tempdir()?;
    let beside = std::env::current_exe()?.with_file_name("sigpost");
    let run = Arc::new(Run {
        program: arguments.program.clone().unwrap_or(beside),
        server,
        folder: folder.path().to_owned(),
        next: AtomicU64::new(0),
        starting: tokio::sync::Mutex::default(),
        counts: Mutex::default(),
        arguments,
    });
    let deployments =
        (0..run.arguments.deployments).map(|number| {
            let run = Arc::clone(&run);
            async move {
                tokio::spawn(async move { run.run_deployment(number).await }).await.context("a deployment panicked")?
            }
        });
    try_join_all(deployments).await?;
    let counts = std::mem::take(&mut *run.counts.lock().unwrap_or_else(PoisonError::into_inner));
    report(&run.arguments, &counts, started.elapsed());
    ensure!(counts.findings.is_empty(), "{} findings differ from the model", counts.findings.values().sum::<u64>());
    Ok(())
}

fn report(arguments: &Arguments, counts: &Counts, took: Duration) {
    if arguments.json {
        let report = json!({
            "scenarios": counts.scenarios, "messages": counts.messages, "attempts": counts.attempts,
            "repeated": counts.repeated, "findings": counts.findings, "seconds": took.as_secs(),
        });
        println!("{report}");
        return;
    }
    for (kind, count) in &counts.scenarios {
        println!("{count:>8} scenarios with {kind}");
    }
    println!("{:>8} messages, {} attempts, in {} s", counts.messages, counts.attempts, took.as_secs());
    println!("{:>8} scenarios repeated because this machine was busy", counts.repeated);
    for (kind, count) in &counts.findings {
        println!("{count:>8} findings: {kind}");
    }
    if counts.findings.is_empty() {
        println!("       0 findings");
    }
}

impl Run {
    /// Runs scenarios until the requested number has started.
    async fn run_deployment(&self, number: usize) -> Result<()> {
        let processes = 1 + number % 2;
        let arguments = &self.arguments;
        let mut deployments: HashMap<bool, Deployment> = HashMap::new();
        loop {
            let scenario = self.next.fetch_add(1, Ordering::Relaxed);
            if scenario >= arguments.scenarios {
                return Ok(());
            }
            let seed = arguments.seed + scenario;
            let faults = arguments.faults_one_in > 0 && seed.is_multiple_of(arguments.faults_one_in);
            let kind = match (processes, faults) {
                (1, false) => "one process",
                (1, true) => "one process that is stopped or killed",
                (_, false) => "two processes",
                (_, true) => "two processes of which one is stopped or killed",
            };
            let mut tries = 0;
            while !self.run_scenario(&mut deployments, number, processes, faults, seed, tries).await? {
                tries += 1;
            }
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.scenarios.entry(kind.to_owned()).or_default() += 1;
        }
    }

    /// Runs a scenario. Returns false if it must be repeated because of findings on a busy machine.
    async fn run_scenario(
        &self,
        deployments: &mut HashMap<bool, Deployment>,
        number: usize,
        processes: usize,
        faults: bool,
        seed: u64,
        tries: u32,
    ) -> Result<bool> {
        let lease = if faults { self.arguments.lease_with_faults } else { self.arguments.lease };
        let deployment = if let Some(started) = deployments.get_mut(&faults) {
            started
        } else {
            let name = format!("model_{number}_{}", if faults { "faults" } else { "plain" });
            let _one_at_a_time = self.starting.lock().await;
            let started = Deployment::start(&self.server, &name, &self.program, processes, lease, &self.folder).await?;
            deployments.entry(faults).or_insert(started)
        };
        let happened = scenario::run(deployment, &format!("{seed}x{tries}"), seed, faults).await?;
        let history = history::read(&deployment.database).await?;
        let ids = history.messages.iter().map(|message| message.wire_id.clone());
        let arrivals = ids.map(|id| (id.clone(), deployment.sink.take(&id))).collect();
        let findings = check(&history, &happened, &arrivals);
        let busy = findings.iter().any(|finding| deployment.canary.was_slow(finding.since, finding.at + 0.2));
        deployment.clear().await?;

        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if busy && tries < MOST_TRIES {
            counts.repeated += 1;
            return Ok(false);
        }
        counts.messages += history.messages.len();
        counts.attempts += history.messages.iter().map(|message| message.attempts.len()).sum::<usize>();
        for finding in &findings {
            *counts.findings.entry(finding.kind).or_default() += 1;
            let Finding { kind, subject, at, details, .. } = finding;
            eprintln!("seed {seed}, {processes} processes: {kind}: {subject} at {:.3}: {details}", at - happened.began);
        }
        if !findings.is_empty() {
            happened.operations.iter().for_each(|operation| eprintln!("    {operation}"));
            eprintln!("    {}", described(&history, happened.began));
        }
        Ok(true)
    }
}

/// Formats the messages of a scenario with a finding.
fn described(history: &history::History, began: f64) -> Value {
    let messages = history.messages.iter().map(|message| {
        let times =
            |times: Vec<f64>| times.into_iter().map(|at| (at - began) * 1000.0).map(f64::round).collect::<Vec<_>>();
        json!({
            "message": message.name, "last": message.last, "limits": message.limits, "priority": message.priority,
            "created_due_ended_ms": times(vec![message.created, message.not_before, message.finished.unwrap_or(began)]),
            "attempts_ms": message.attempts.iter()
                .map(|attempt| times(vec![attempt.start, attempt.end.unwrap_or(began)])).collect::<Vec<_>>(),
        })
    });
    messages.collect()
}
