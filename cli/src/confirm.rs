//! Asking before something cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use clap::Args;

/// Whether to ask.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    /// Do not ask. Needed where there is no terminal to ask at.
    #[arg(long, short)]
    yes: bool,
}

impl ConfirmArgs {
    /// Asks at the terminal. Anything but yes is an error, and so is that there is nobody to ask.
    pub(crate) fn confirm(&self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            bail!("{question} There is no terminal to ask at: give --yes to do it");
        }
        eprint!("{question} [y/N] ");
        io::stderr().flush().context("the terminal is gone")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).context("the terminal is gone")?;
        if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
            bail!("not confirmed; nothing was changed");
        }
        Ok(())
    }
}
