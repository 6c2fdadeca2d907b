//! Data goes to stdout: as lines for people, or as JSON for scripts.

use std::io::{self, ErrorKind, Write};

use anyhow::Result;
use serde::Serialize;

/// Prints the value as JSON when asked to, else the text. Whoever reads only the beginning, as `head`
/// does, has what he wants.
pub(crate) fn print(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    let text = if json { serde_json::to_string_pretty(value)? } else { text() };
    line(&text).map(drop)
}

/// Prints a line; whether somebody still reads.
pub(crate) fn line(text: &str) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}
