//! Child processes of this same program: the destination and the reference.

use std::io::{self, Write};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Running child process. Killed on drop.
pub(crate) struct OwnChild {
    child: Child,
    // The child runs while its pipes are open.
    _input: ChildStdin,
    _output: BufReader<ChildStdout>,
}

impl OwnChild {
    /// Starts the child and returns its first line.
    pub(crate) async fn start(arguments: &[&str]) -> Result<(Self, String)> {
        let program = std::env::current_exe().context("this program's own path")?;
        let name = arguments.first().copied().unwrap_or_default();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the {name} cannot start"))?;
        let input = child.stdin.take().context("the child's input")?;
        let mut output = BufReader::new(child.stdout.take().context("the child's output")?);
        let mut line = String::new();
        output.read_line(&mut line).await.with_context(|| format!("the {name}'s first line"))?;
        ensure!(!line.is_empty(), "the {name} exited at its start");
        Ok((Self { child, _input: input, _output: output }, line.trim_end().to_owned()))
    }

    /// Kills the child.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("the child cannot be stopped")
    }
}

/// Exits this process at the end of its standard input, which is closed when the parent exits.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

/// Prints the first line for the parent.
pub(crate) fn announce(line: &str) -> Result<()> {
    println!("{line}");
    Ok(io::stdout().flush()?)
}
