//! A Postgres that lost both its owner and its watchdog.
//!
//! The watchdog stops Postgres when its owner is killed. If the watchdog was killed as well, and
//! only then, a Postgres may be running on a cluster of which we hold the locks.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Doing, Error},
    postmaster::Postmaster,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Stops the Postgres that runs on a cluster, if one does. The caller holds the cluster's locks.
pub(crate) fn stop(cluster: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let Some(Postmaster { pid, .. }) = Postmaster::read(cluster)? else {
        return Ok(());
    };
    // After a crash of the machine the file is there and the process is not, or is another one.
    // Postgres itself then takes the file over.
    if !is_postgres_on(pid, cluster) {
        return Ok(());
    }
    progress(&format!("stopping the PostgreSQL that an earlier run left (process {pid})"));
    Command::new("/bin/sh")
        .args(["-c", "kill -INT \"$1\"", "sh", &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .doing(|| format!("stop process {pid}"))?;
    let deadline = Instant::now() + PATIENCE;
    while is_postgres_on(pid, cluster) {
        if Instant::now() >= deadline {
            return Err(Error::StillRunning { folder: cluster.to_owned(), pid });
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Whether a process is a Postgres that was started on this cluster.
fn is_postgres_on(pid: u32, cluster: &Path) -> bool {
    let cluster = cluster.as_os_str().as_encoded_bytes();
    command_line(pid).is_some_and(|line| {
        line.windows(cluster.len()).any(|part| part == cluster) && line.windows(8).any(|part| part == b"postgres")
    })
}

/// The command line of a process: from `/proc` on Linux, where `ps` may not be installed, and
/// from `ps` on macOS.
fn command_line(pid: u32) -> Option<Vec<u8>> {
    if Path::new("/proc/self/cmdline").exists() {
        return fs::read(format!("/proc/{pid}/cmdline")).ok();
    }
    let output = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    Some(output.stdout)
}
