//! A `sigpost` process that runs during a test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A process and the lines it prints.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: VecDeque<String>,
}

/// Creates a command with these arguments, without the settings of this environment.
pub(crate) fn sigpost(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigpost"));
    for name in ["DATABASE_URL", "QSTASH_URL", "QSTASH_TOKEN", "ADMIN_URL", "ADMIN_TOKEN", "LISTEN", "RESEND_API_KEY"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Creates a temporary folder that other users can enter: as root, Postgres runs as another user and would otherwise
/// store its data elsewhere.
pub(crate) fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("sigpost-test-").permissions(mode).tempdir().expect("a folder")
}

/// Runs a command to its end.
pub(crate) fn finished(mut command: Command) -> Output {
    command.output().expect("the program starts")
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
        let forward = |from: Box<dyn std::io::Read + Send>, sender: std::sync::mpsc::Sender<String>| {
            std::thread::spawn(move || {
                for line in BufReader::new(from).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        };
        forward(Box::new(stdout), sender.clone());
        forward(Box::new(stderr), sender);
        Self { child, lines, seen: VecDeque::new() }
    }

    /// Starts `sigpost dev` on a free port with this data folder. Returns it and its URL when it is ready.
    pub(crate) fn dev(data_dir: &Path) -> (Self, String) {
        Self::dev_with(data_dir, &[])
    }

    /// Like [`dev`](Self::dev), with additional arguments.
    pub(crate) fn dev_with(data_dir: &Path, arguments: &[&str]) -> (Self, String) {
        let mut command = sigpost(&["dev", "--port", "0", "--data-dir"]);
        command.arg(data_dir).args(arguments);
        let mut running = Self::start(command);
        let line = running.wait_for("sigpost runs on ");
        let url = line.trim_start_matches("sigpost runs on ").split(". ").next().expect("a URL").to_owned();
        running.wait_for("Ctrl-C stops it.");
        (running, url)
    }

    /// Waits for the next line that contains this text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push_back(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(why) => panic!("{text:?} did not appear ({why}); seen:\n{}", self.output()),
            }
        }
    }

    /// Returns the output so far.
    pub(crate) fn output(&self) -> String {
        self.seen.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits for the end of the process.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("an end");
        self.seen.extend(self.lines.try_iter());
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
