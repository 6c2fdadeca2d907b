//! Processes as `/proc` shows them, on Linux.

use std::fs;

use anyhow::{Context, Result};

use crate::process::{Memory, Process};

/// The kernel counts CPU time for user programs in hundredths of a second (`USER_HZ`), on every
/// architecture that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Lists all processes. Skips those that end meanwhile.
pub(crate) fn processes() -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("/proc cannot be read")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let stats = pids.filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    Ok(stats.filter_map(|stat| parse_stat(&stat)).collect())
}

/// Reads the memory of a process.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let resident_mb = megabytes(&status, "VmRSS:").with_context(|| format!("{path} has no VmRSS"))?;
    Ok(Memory { resident_mb, peak_mb: megabytes(&status, "VmHWM:") })
}

/// CPU seconds of the threads that a process has, to the nanosecond.
pub(crate) fn live_cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/task");
    let threads = fs::read_dir(&path).context(path)?.flatten();
    let schedules = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    // The first number is the time on a CPU.
    let nanoseconds = schedules.filter_map(|schedule| schedule.split_whitespace().next()?.parse::<f64>().ok());
    Ok(nanoseconds.sum::<f64>() / 1e9)
}

fn parse_stat(stat: &str) -> Option<Process> {
    // The second field is the program's name in brackets, and may hold anything.
    let (start, rest) = (stat.split_once(' ')?.0, stat.rsplit_once(") ")?.1);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Numbered from 1 as in proc(5), where the first of these is field 3.
    let field = |number: usize| fields.get(number - 3);
    let seconds = |number| Some(field(number)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(Process {
        pid: start.parse().ok()?,
        parent: field(4)?.parse().ok()?,
        cpu_s: seconds(14)? + seconds(15)?,
        ended_children_cpu_s: seconds(16)? + seconds(17)?,
    })
}

/// A value of `/proc/<pid>/status`, which is in kibibytes.
fn megabytes(status: &str, name: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_brackets_does_not_shift_the_fields() {
        let stat = "4711 (a) b (c) d) S 1 2 3 0 -1 4194304 10 20 30 40 150 50 1000 23 20 0 1 0 99 0 0";
        let expected = Process { pid: 4711, parent: 1, cpu_s: 2.0, ended_children_cpu_s: 10.23 };
        assert_eq!(parse_stat(stat), Some(expected));
        assert_eq!(parse_stat("4711 (a) S 1"), None);
    }

    #[test]
    fn memory_is_in_millions_of_bytes() {
        let status = "Name:\tsigpost\nVmHWM:\t   40000 kB\nVmRSS:\t   31250 kB\n";
        assert_eq!(megabytes(status, "VmRSS:"), Some(32.0));
        assert_eq!(megabytes(status, "VmHWM:"), Some(40.96));
        assert_eq!(megabytes(status, "VmSwap:"), None);
    }
}
