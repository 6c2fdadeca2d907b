//! A round: faults under load, then a drain and the checks.

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use crate::deployment::Deployment;
use crate::faults::Fault;
use crate::history::read::{Rows, read};
use crate::history::{History, now};
use crate::invariants::{Violation, check};
use crate::load::Load;

const DRAIN: Duration = Duration::from_secs(120);
/// Seconds between faults, so that delayed outcomes are recorded before the next fault.
const PAUSE: Range<f64> = 2.0..3.0;
const POLL: Duration = Duration::from_millis(300);

/// Cycle: a fault, until every process is ready again.
#[derive(Clone, Debug)]
pub(crate) struct Cycle {
    pub(crate) fault: &'static str,
    pub(crate) from: f64,
    pub(crate) until: f64,
    /// Seconds from the end of the fault until every process was ready.
    pub(crate) recovery: f64,
}

pub(crate) struct Outcome {
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) history: History,
    pub(crate) violations: Vec<Violation>,
    /// Seconds.
    pub(crate) drained_in: f64,
}

/// Runs these faults until the deadline, at least one.
pub(crate) async fn run(
    deployment: &mut Deployment,
    load: Load,
    faults: &[&'static Fault],
    deadline: Instant,
    tolerance: f64,
    random: &mut StdRng,
    progress: &mut (dyn FnMut(&Deployment, &Cycle) + Send),
) -> Result<Outcome> {
    let (mut cycles, mut violations) = (Vec::new(), Vec::new());
    for fault in faults {
        sleep(Duration::from_secs_f64(random.random_range(PAUSE))).await;
        let from = now();
        (fault.run)(deployment, random).await?;
        let healed = now();
        let ready = deployment.wait_until_ready().await;
        let until = now();
        let cycle = Cycle { fault: fault.name, from, until, recovery: until - healed };
        progress(deployment, &cycle);
        cycles.push(cycle);
        for process in deployment.restart_crashed()? {
            violations.push(Violation::new("crash", until, format!("process {process} has ended by itself")));
        }
        if let Err(error) = ready {
            violations.push(Violation::new("recovery", until, error.to_string()));
            break;
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    wait_until_none(deployment, "select count(*) from schedules where next_fire_at < now() - interval '1 second'")
        .await?;
    load.stop().await?;
    let draining = Instant::now();
    wait_until_none(deployment, "select count(*) from pending_deliveries").await?;
    let drained_in = draining.elapsed().as_secs_f64();
    // The sink records the end of a request shortly after the response.
    sleep(Duration::from_millis(500)).await;
    let history = history(deployment, tolerance).await?;
    violations.extend(check(&history));
    Ok(Outcome { cycles, history, violations, drained_in })
}

/// Waits until the query counts no rows or the timeout passes. The invariants report remaining rows.
async fn wait_until_none(deployment: &Deployment, query: &str) -> Result<()> {
    let deadline = Instant::now() + DRAIN;
    let client = deployment.postgres.client().await?;
    while Instant::now() < deadline {
        let left: i64 = client.query_one(query, &[]).await?.get(0);
        if left == 0 {
            return Ok(());
        }
        sleep(POLL).await;
    }
    Ok(())
}

async fn history(deployment: &Deployment, tolerance: f64) -> Result<History> {
    let Rows { messages, dead_letters, schedules, leftovers } = read(&deployment.postgres.client().await?).await?;
    let entries = deployment.journal.entries();
    Ok(History {
        lease: deployment.lease,
        tolerance,
        messages,
        dead_letters,
        schedules,
        leftovers,
        arrivals: deployment.sink.arrivals(),
        publishes: entries.publishes,
        probes: entries.probes,
        disruptions: entries.disruptions,
        memory: entries.memory,
    })
}
