//! What a process has used: CPU seconds and memory, as the operating system counts them.
//!
//! Linux says it in `/proc`. Elsewhere `ps` does, which knows neither the peak of the memory nor
//! what children used that have ended.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{proc_files, ps};

const HAS_PROC_FILES: bool = cfg!(target_os = "linux");

/// One line of the table of processes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: u32,
    /// Its parent's id.
    pub(crate) parent: u32,
    /// CPU seconds of its own threads, user and system.
    pub(crate) cpu_s: f64,
    /// CPU seconds of its children that have ended, where the system says it.
    pub(crate) ended_children_cpu_s: f64,
}

/// Memory of a process, in millions of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident_mb: f64,
    /// The most that was resident, where the system says it.
    pub(crate) peak_mb: Option<f64>,
}

/// CPU seconds that a process has used, without its children.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let processes = processes()?;
    let found = processes.iter().find(|process| process.pid == pid);
    Ok(found.with_context(|| format!("process {pid} has ended"))?.cpu_s)
}

/// The same, finer where the system says it, of the threads that are alive: not of those that have ended.
pub(crate) fn live_cpu_seconds(pid: u32) -> Result<f64> {
    if HAS_PROC_FILES { proc_files::live_cpu_seconds(pid) } else { cpu_seconds(pid) }
}

/// CPU seconds that a server of many processes has used: the first one, its live children, and
/// those that have ended.
pub(crate) fn cpu_seconds_with_children(pid: u32) -> Result<f64> {
    Ok(sum_of_server(pid, &processes()?))
}

/// What a process keeps in memory.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    if HAS_PROC_FILES { proc_files::memory(pid) } else { ps::memory(pid) }
}

fn processes() -> Result<Vec<Process>> {
    if HAS_PROC_FILES { proc_files::processes() } else { ps::processes() }
}

fn sum_of_server(pid: u32, processes: &[Process]) -> f64 {
    let of_server = processes.iter().filter_map(|process| match process {
        first if first.pid == pid => Some(first.cpu_s + first.ended_children_cpu_s),
        child if child.parent == pid => Some(child.cpu_s),
        _ => None,
    });
    of_server.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_its_first_process_its_live_children_and_those_that_ended() {
        let process = |pid, parent, cpu_s, ended_children_cpu_s| Process { pid, parent, cpu_s, ended_children_cpu_s };
        let processes =
            [process(1, 0, 100.0, 100.0), process(7, 1, 1.0, 2.0), process(8, 7, 4.0, 0.0), process(9, 1, 50.0, 0.0)];
        assert_eq!(sum_of_server(7, &processes), 7.0);
    }

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let pid = std::process::id();
        let memory = memory(pid).expect("the memory of this process");
        assert!((1.0..10_000.0).contains(&memory.resident_mb), "{memory:?}");
        assert!(memory.peak_mb.is_none_or(|peak| peak >= memory.resident_mb), "{memory:?}");

        let before = cpu_seconds(pid).expect("the CPU time of this process");
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 60 {
            std::hint::black_box(before);
        }
        assert!(cpu_seconds(pid).expect("the CPU time of this process") > before);
    }
}
