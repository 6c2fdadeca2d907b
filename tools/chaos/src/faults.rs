//! The faults, by name. A fault ends when its function returns, after a bounded time.

mod connections;
mod postgres;
mod processes;
mod statements;

use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::sleep;

use crate::deployment::Deployment;

pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    /// Returns why the fault cannot run on this machine, if so.
    pub(crate) missing: Option<Missing>,
}

type Run = for<'a> fn(&'a mut Deployment, &'a mut StdRng) -> BoxFuture<'a, Result<()>>;
type Missing = for<'a> fn(&'a Deployment) -> BoxFuture<'a, Result<Option<String>>>;

const fn fault(name: &'static str, run: Run) -> Fault {
    Fault { name, run, missing: None }
}

pub(crate) const FAULTS: [Fault; 17] = [
    fault("kill", |deployment, random| Box::pin(processes::kill(deployment, random))),
    fault("shutdown", |deployment, random| Box::pin(processes::shut_down(deployment, random))),
    fault("stop", |deployment, random| Box::pin(processes::stop(deployment, random))),
    fault("postgres-kill", |deployment, random| Box::pin(postgres::end(deployment, random, "postgres-kill", "KILL"))),
    fault("postgres-immediate", |deployment, random| {
        Box::pin(postgres::end(deployment, random, "postgres-immediate", "QUIT"))
    }),
    fault("postgres-fast", |deployment, random| Box::pin(postgres::end(deployment, random, "postgres-fast", "INT"))),
    fault("read-only", |deployment, random| Box::pin(postgres::read_only(deployment, random))),
    Fault {
        missing: Some(|deployment| Box::pin(async { Ok(deployment.disk.as_ref().err().cloned()) })),
        ..fault("disk-full", |deployment, random| Box::pin(postgres::disk_full(deployment, random)))
    },
    fault("black-hole", |deployment, random| Box::pin(connections::black_hole(deployment, random))),
    fault("silent-peer", |deployment, random| Box::pin(connections::silent_peer(deployment, random))),
    fault("lost-responses", |deployment, random| Box::pin(connections::lost_responses(deployment, random))),
    fault("cut", |deployment, random| Box::pin(connections::cut(deployment, random))),
    fault("exhausted", |deployment, random| Box::pin(connections::exhausted(deployment, random))),
    fault("terminate", |deployment, random| Box::pin(statements::terminate(deployment, random))),
    fault("statement-timeout", |deployment, random| Box::pin(statements::statement_timeout(deployment, random))),
    fault("lock", |deployment, random| Box::pin(statements::lock(deployment, random))),
    Fault {
        missing: Some(|deployment| Box::pin(statements::lacks_german(deployment))),
        ..fault("german", |deployment, random| Box::pin(statements::german(deployment, random)))
    },
];

fn any_process(deployment: &Deployment, random: &mut StdRng) -> usize {
    random.random_range(0..deployment.processes.len())
}

/// Waits for a number of seconds.
async fn last(random: &mut StdRng, seconds: std::ops::Range<f64>) {
    sleep(Duration::from_secs_f64(random.random_range(seconds))).await;
}
