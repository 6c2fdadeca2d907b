//! Is the machine ours alone? Other programs take CPU time from what is measured.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// How long is looked.
const WINDOW: Duration = Duration::from_secs(1);
/// As in `/proc/<pid>/stat`.
const TICKS_PER_SECOND: f64 = 100.0;
/// From so many CPUs in use on, the figures are about the neighbours, too.
const QUIET: f64 = 0.2;

/// How many CPUs are in use while we do nothing, where the system says it. It says so on stderr when
/// they are too many.
pub(crate) async fn cpus_in_use() -> Option<f64> {
    let (before, started) = (busy_seconds()?, Instant::now());
    sleep(WINDOW).await;
    let cpus = (busy_seconds()? - before) / started.elapsed().as_secs_f64();
    if !is_quiet(cpus) {
        eprintln!("  other programs use {cpus:.1} CPUs: the figures will be theirs, too");
    }
    Some(cpus)
}

/// Whether so many CPUs in use leave the figures alone.
pub(crate) fn is_quiet(cpus: f64) -> bool {
    cpus < QUIET
}

fn busy_seconds() -> Option<f64> {
    parse(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line sums up all CPUs: user, nice, system, idle, iowait, irq, softirq, and what the
/// host of a virtual machine took for others.
fn parse(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks = line.split_whitespace().take(8).map(|word| word.parse::<f64>().ok()).collect::<Option<Vec<_>>>()?;
    let [user, nice, system, _idle, _iowait, irq, softirq, stolen] = ticks[..] else { return None };
    Some((user + nice + system + irq + softirq + stolen) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_not_use() {
        let stat = "cpu  100 20 30 99999 88888 4 5 6 0 0\ncpu0 1 2 3\n";
        assert_eq!(parse(stat), Some(1.65));
        assert_eq!(parse("intr 1 2 3"), None);
    }
}
