//! sigpost: a QStash-compatible job dispatcher on your own Postgres.

mod api_args;
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
mod usage;
mod window_args;

fn main() -> std::process::ExitCode {
    args::Args::read().run()
}
