//! CPU seconds and memory of processes, as the operating system counts them: on Linux from `/proc`, elsewhere from
//! `ps`, which has neither the peak of the memory nor the CPU time of children that have ended.

mod proc_files;
mod ps;

use anyhow::{Context, Result};
use serde::Serialize;

const HAS_PROC_FILES: bool = cfg!(target_os = "linux");

/// One line of the table of processes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Process {
    /// Process ID.
    pub(crate) pid: u32,
    /// Process ID of the parent.
    pub(crate) parent: u32,
    /// CPU seconds of its own threads, user and system.
    pub(crate) cpu_s: f64,
    /// CPU seconds of ended children, if the system provides them.
    pub(crate) ended_children_cpu_s: f64,
}

/// Memory of a process, in millions of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident_mb: f64,
    /// Peak resident memory, if the system provides it.
    pub(crate) peak_mb: Option<f64>,
}

impl Memory {
    /// Returns the peak, or the current memory if the system does not provide the peak.
    pub(crate) fn peak(&self) -> f64 {
        self.peak_mb.unwrap_or(self.resident_mb)
    }
}

/// Returns the CPU seconds of a process without its children.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let processes = processes()?;
    let found = processes.iter().find(|process| process.pid == pid);
    Ok(found.with_context(|| format!("process {pid} has ended"))?.cpu_s)
}

/// Returns the CPU seconds of the live threads of a process, with a finer resolution if the system provides it.
pub(crate) fn live_cpu_seconds(pid: u32) -> Result<f64> {
    if HAS_PROC_FILES { proc_files::live_cpu_seconds(pid) } else { cpu_seconds(pid) }
}

/// CPU seconds of a server with many processes: the first one, its live children, and those that have ended.
pub(crate) fn cpu_seconds_with_children(pid: u32) -> Result<f64> {
    Ok(sum_of_server(pid, &processes()?))
}

/// Reads the memory of a process.
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
    fn children_of_a_server_count_alive_or_ended() {
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
