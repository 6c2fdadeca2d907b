//! The load of other programs, which changes the figures.

use std::fs;
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Time in which the CPU time of other programs is counted.
const WINDOW: Duration = Duration::from_secs(1);
/// As in `/proc/<pid>/stat`.
const TICKS_PER_SECOND: f64 = 100.0;
/// CPUs in use above which the report has a warning.
const QUIET: f64 = 0.2;

/// CPUs in use while the bench does nothing, where the system counts it. Prints a warning if they are too many.
pub(crate) async fn cpus_in_use() -> Option<f64> {
    let (before, started) = (busy_seconds()?, Instant::now());
    sleep(WINDOW).await;
    let cpus = (busy_seconds()? - before) / started.elapsed().as_secs_f64();
    if !is_quiet(cpus) {
        eprintln!("  other programs use {cpus:.1} CPUs: they change the figures");
    }
    Some(cpus)
}

/// Whether this many CPUs in use leave the figures unchanged.
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
    fn time_in_iowait_is_idle() {
        let stat = "cpu  100 20 30 99999 88888 4 5 6 0 0\ncpu0 1 2 3\n";
        assert_eq!(parse(stat), Some(1.65));
        assert_eq!(parse("intr 1 2 3"), None);
    }
}
