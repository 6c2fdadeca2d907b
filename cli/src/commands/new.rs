//! `sigpost new`.

mod handler;
mod source;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Generate the source code of a handler.
#[derive(Debug, Args)]
pub(crate) struct New {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Handler(handler::NewHandler),
}

impl New {
    pub(crate) fn run(self) -> Result<()> {
        let What::Handler(handler) = self.what;
        handler.run()
    }
}
