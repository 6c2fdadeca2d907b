//! sigpost: a serverless HTTP-push job dispatcher in your own AWS account.

mod api_client;
mod args;
mod commands;
mod database_args;
mod input;
mod output;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    args.command.unwrap_or_default().run()
}
