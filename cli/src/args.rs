//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sigpost_runtime::references;
use sigpost_runtime::telemetry::{self, LogFormat};

use crate::commands::{
    bench, config, dev, doctor, email, health, messages, migrate, new, publish, serve, tokens, version,
};

/// A serverless HTTP-push job dispatcher that speaks QStash's protocol, on your own Postgres.
///
/// Without a command it runs `sigpost dev`: everything in one process, ready to try.
#[derive(Debug, Parser)]
#[command(name = "sigpost", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(dev::Dev),
    Serve(serve::Serve),
    Health(health::Health),
    Config(config::Config),
    Doctor(doctor::Doctor),
    Migrate(migrate::Migrate),
    Tokens(tokens::Tokens),
    Publish(Box<publish::Publish>),
    Messages(messages::Messages),
    Email(email::Email),
    New(new::New),
    Bench(bench::Bench),
    #[command(hide = true)]
    BenchSink(bench::sink::BenchSink),
    Version(version::Version),
}

impl Default for Command {
    fn default() -> Self {
        Self::Dev(dev::Dev::parse_from(["dev"]))
    }
}

impl Command {
    /// Runs the command; what went wrong is said on stderr, with its causes.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(why) => {
                eprintln!("error: the runtime cannot start: {why}");
                return ExitCode::FAILURE;
            }
        };
        match runtime.block_on(self.dispatch()) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        }
    }

    async fn dispatch(self) -> anyhow::Result<ExitCode> {
        let json_logs = match &self {
            Self::Dev(dev) => dev.json_logs,
            Self::Serve(serve) => serve.json_logs,
            _ => false,
        };
        telemetry::init(if json_logs { LogFormat::Json } else { LogFormat::from_env() })?;
        if matches!(self, Self::Serve(_) | Self::Migrate(_) | Self::Tokens(_) | Self::Doctor(_)) {
            references::resolve().await?;
        }
        match self {
            Self::Dev(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Serve(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Health(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Config(command) => command.run().await,
            Self::Doctor(command) => command.run().await,
            Self::Migrate(command) => command.run().await,
            Self::Tokens(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Publish(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Messages(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Email(command) => command.run().map(|()| ExitCode::SUCCESS),
            Self::New(command) => command.run().map(|()| ExitCode::SUCCESS),
            Self::Bench(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::BenchSink(command) => command.run().await.map(|()| ExitCode::SUCCESS),
            Self::Version(command) => command.run().map(|()| ExitCode::SUCCESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Args;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}
