//! `sigpost completions`.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::output;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost completions bash > ~/.local/share/bash-completion/completions/sigpost
  sigpost completions zsh > \"${fpath[1]}/_sigpost\"
  sigpost completions fish > ~/.config/fish/completions/sigpost.fish
  sigpost completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script for this command line.
    pub(crate) fn run(self, mut command: Command) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut command, "sigpost", &mut script);
        output::line(String::from_utf8(script)?.trim_end()).map(drop)
    }
}
