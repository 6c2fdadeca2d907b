//! sigpost: a serverless HTTP-push job dispatcher in your own AWS account.

mod api_client;
mod args;
mod commands;
mod confirm;
mod database_args;
mod filter_args;
mod help;
mod input;
mod message_args;
mod output;
mod progress;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

fn main() -> ExitCode {
    let matches = help::grouped(args::Args::command()).get_matches();
    let args = args::Args::from_arg_matches(&matches).unwrap_or_else(|why| why.exit());
    args.command.unwrap_or_default().run()
}
