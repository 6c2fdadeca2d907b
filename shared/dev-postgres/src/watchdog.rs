//! The parent of Postgres, which outlives us by a moment.
//!
//! A process that is killed with SIGKILL cannot clean up. So Postgres is not our child but the
//! child of a small shell script, which waits at a pipe that only we can write to. The operating
//! system closes the pipe when we end, however we end, and the script then stops Postgres.
//! Closing the pipe is also how we stop it ourselves: there is one way down, and it is always
//! used. `initdb` is run in the same way, so that none is still writing when its owner is gone.
//!
//! Both are in a process group of their own. Ctrl-C in a terminal goes to the group in front, and
//! must not reach Postgres while we still need it for our own clean end.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ExitStatus, Stdio},
};

use crate::{
    error::{Doing, Error},
    home::Home,
    identity::Identity,
};

const SCRIPT: &str = include_str!("watchdog.sh");

/// The script and the program under it. Dropped, it stops the program and waits for its end.
#[derive(Debug)]
pub(crate) struct Watchdog {
    script: Child,
    /// The end of the pipe that only we hold: std opens it so that no other child inherits it.
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Starts a program, which writes to the log of this home, under a watchdog.
    pub(crate) fn start(
        identity: &Identity,
        home: &Home,
        program: &Path,
        arguments: &[OsString],
    ) -> Result<Self, Error> {
        let mut command = identity.command("/bin/sh");
        command
            .args(["-c", SCRIPT, "sigpost-watchdog"])
            .arg(home.log())
            .arg(home.folder_to_remove().unwrap_or(Path::new("")))
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(home.locks().share_cluster()?)
            .stderr(Stdio::null())
            .process_group(0);
        let mut script = command.spawn().doing(|| format!("start the watchdog of {}", program.display()))?;
        let pipe = script.stdin.take();
        Ok(Self { script, pipe })
    }

    /// Waits until the program ends by itself.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.script.wait()
    }

    /// How the program ended, if it did.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.script.try_wait()
    }

    /// Stops the program and waits for its end.
    pub(crate) fn stop(&mut self) -> io::Result<()> {
        drop(self.pipe.take());
        self.script.wait().map(drop)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The pipe is closed in any case, and the script does the rest.
        let _ = self.stop();
    }
}
