//! Memory use and memory limit of this process. Linux only.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::{MEMORY_SHARE, emit};

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident memory.
    pub used: u64,
    /// The limit: the memory of the Lambda function, the limit of the control group (of a container or a systemd
    /// unit), or else the memory of the machine.
    pub limit: u64,
}

impl Memory {
    /// Reads the memory use and its limit from small files of the kernel. `None` on other systems.
    pub fn measure() -> Option<Self> {
        let used = kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")?;
        Some(Self { used, limit: limit()? })
    }

    /// Returns the share of the limit that is used.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn share(self) -> f64 {
        self.used as f64 / self.limit as f64
    }

    /// Emits the metric for CloudWatch, at most once a minute.
    pub fn tell() {
        static TOLD_AT: Mutex<Option<Instant>> = Mutex::new(None);
        let mut told_at = TOLD_AT.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_some_and(|at| at.elapsed() < Duration::from_secs(60)) {
            return;
        }
        *told_at = Some(Instant::now());
        if let Some(memory) = Self::measure() {
            emit(&[(MEMORY_SHARE, memory.share())]);
        }
    }
}

fn limit() -> Option<u64> {
    let of_function = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().and_then(|size| size.parse::<u64>().ok());
    if let Some(megabytes) = of_function {
        return Some(megabytes << 20);
    }
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits =
        files_of_limits(&groups).into_iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.chain([machine]).min()
}

/// Returns the value of `name   1234 kB` in a file of `/proc`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the paths of the limits of these control groups and of their ancestors, for versions 1 and 2. In a
/// container the path is often that of the host, and only its root exists.
fn files_of_limits(groups: &str) -> Vec<PathBuf> {
    let files = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, group) = (parts.next()?, parts.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let group = Path::new(group.trim_start_matches('/'));
        Some(group.ancestors().map(|group| Path::new(root).join(group).join(file)).collect::<Vec<_>>())
    });
    files.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_the_kernel_writes_them() {
        let status = "Name:\tsigpost\nVmHWM:\t   40000 kB\nVmRSS:\t   31204 kB\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(31_204 * 1024));
        assert_eq!(kilobytes("VmRSS:\t1 MB", "VmRSS:"), None);
        assert_eq!(kilobytes("", "VmRSS:"), None);
    }

    #[test]
    fn limits_are_looked_for_in_a_group_and_in_all_around_it() {
        let files = |groups| files_of_limits(groups).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            files("0::/system.slice/sigpost.service\n"),
            [
                "/sys/fs/cgroup/system.slice/sigpost.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            files("5:cpu,cpuacct:/a\n4:memory:/docker/1f\n"),
            [
                "/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes"
            ]
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_less_than_it_may_have() {
        let share = Memory::measure().expect("a measurement").share();
        assert!(share > 0.0 && share < 1.0, "{share}");
    }
}
