//! Confirmation of commands that cannot be undone. docs/src/reference/cli.md lists them; a test in `args.rs` compares
//! that list with the command line.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::usage::WrongUsage;

/// Confirmation arguments.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    /// Do not ask. Required where stdin is not a terminal.
    #[arg(long, short)]
    yes: bool,
}

impl ConfirmArgs {
    /// Asks for confirmation on the terminal.
    ///
    /// # Errors
    ///
    /// The response is not yes, or stdin is not a terminal ([`WrongUsage`]).
    pub(crate) fn confirm(&self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(WrongUsage::new(format!("{question} Stdin is not a terminal: confirm with --yes")).into());
        }
        eprint!("{question} [y/N] ");
        io::stderr().flush().context("the terminal is closed")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).context("the terminal is closed")?;
        if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
            bail!("not confirmed; nothing was changed");
        }
        Ok(())
    }
}
