//! Runs rounds until the deadline.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use tokio::time::Instant;

use crate::arguments::Arguments;
use crate::deployment::Deployment;
use crate::faults::{FAULTS, Fault};
use crate::load::Load;
use crate::report::Report;
use crate::round::{self, Cycle};

/// Minimum time for the end of a round.
const DRAIN: Duration = Duration::from_secs(25);

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let chosen = chosen(&arguments.faults)?;
    ensure!(arguments.minutes > 0.0 && arguments.load > 0.0, "--minutes and --load must be greater than 0");
    ensure!(arguments.cycles > 0, "--cycles must be at least 1");
    let folder = tempfile::Builder::new().prefix("sigpost-chaos-").tempdir()?;
    // Postgres may run as another user.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let report = tokio::select! {
        report = rounds(&arguments, chosen, folder.path()) => report,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    if report.as_ref().is_ok_and(|report| report.violations() == 0) {
        report?.print(arguments.json);
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("seed {}", arguments.seed);
    if arguments.keep {
        eprintln!("logs and records: {}", folder.keep().display());
    }
    report?.print(arguments.json);
    Ok(ExitCode::FAILURE)
}

fn chosen(names: &[String]) -> Result<Vec<&'static Fault>> {
    let find = |name: &String| FAULTS.iter().find(|fault| fault.name == name);
    if let Some(unknown) = names.iter().find(|name| find(name).is_none()) {
        let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
        bail!("invalid --faults \"{unknown}\": expected names of {}", known.join(", "));
    }
    match names {
        [] => Ok(FAULTS.iter().collect()),
        names => Ok(names.iter().filter_map(find).collect()),
    }
}

async fn rounds(arguments: &Arguments, chosen: Vec<&'static Fault>, folder: &Path) -> Result<Report> {
    let deadline = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("sigpost"),
    };
    let mut deployment = Deployment::start(program, arguments.lease, folder).await?;
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut report = Report::default();
    let mut possible = Vec::new();
    for fault in chosen {
        let missing = match fault.missing {
            Some(missing) => missing(&deployment).await?,
            None => None,
        };
        match missing {
            Some(missing) => report.not_run(fault.name, missing),
            None => possible.push(fault),
        }
    }
    ensure!(!possible.is_empty(), "none of these faults can run here");

    let mut upcoming: Vec<&'static Fault> = Vec::new();
    for number in 1.. {
        // Every fault runs once before one repeats.
        while upcoming.len() < arguments.cycles as usize {
            let mut more = possible.clone();
            more.shuffle(&mut random);
            upcoming.extend(more);
        }
        let faults: Vec<&'static Fault> = upcoming.drain(..arguments.cycles as usize).collect();
        let load = Load::start(deployment.publisher()?, number, arguments.seed, arguments.load).await?;
        let last_cycle = deadline.checked_sub(DRAIN).unwrap_or(deadline);
        let mut progress = |deployment: &Deployment, cycle: &Cycle| eprintln!("{}", line(deployment, cycle));
        let outcome =
            round::run(&mut deployment, load, &faults, last_cycle, arguments.tolerance, &mut random, &mut progress)
                .await?;
        eprintln!(
            "round {number}: {} messages, drained in {:.1} s, {} violations",
            outcome.history.messages.len(),
            outcome.drained_in,
            outcome.violations.len()
        );
        outcome.violations.iter().for_each(|violation| eprintln!("  {}: {}", violation.kind, violation.details));
        report.add(&outcome);
        let ends_early = arguments.keep && report.violations() > 0;
        if ends_early {
            fs::write(folder.join("history.txt"), outcome.history.lines())?;
            report.write(folder)?;
        }
        if ends_early || Instant::now() >= last_cycle {
            break;
        }
        deployment.clear().await?;
    }
    Ok(report)
}

/// Formats the progress of one cycle.
fn line(deployment: &Deployment, cycle: &Cycle) -> String {
    let publishes = deployment.journal.entries().publishes;
    let publishes = publishes.iter().filter(|publish| !publish.is_cancellation);
    let during = publishes.filter(|publish| publish.ended >= cycle.from && publish.began <= cycle.until);
    let (mut all, mut successes, mut unavailable, mut others) = (0, 0, 0, 0);
    for publish in during {
        all += 1;
        match publish.status {
            Some(200..=299) => successes += 1,
            Some(503) => unavailable += 1,
            _ => others += 1,
        }
    }
    format!(
        "{:<18} {:>5.1} s, ready after {:>4.1} s; {all} publishes: {successes} 2xx, {unavailable} 503, {others} others",
        cycle.fault,
        cycle.until - cycle.from,
        cycle.recovery,
    )
}
