//! `sigpost new job`.

mod checkout;
mod insertion;
mod job;
mod name;
mod package;
mod places;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Generate source code in a checkout of sigpost.
#[derive(Debug, Args)]
pub(crate) struct New {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Job(job::NewJob),
}

impl New {
    pub(crate) fn run(self) -> Result<()> {
        let What::Job(job) = self.what;
        job.run()
    }
}
