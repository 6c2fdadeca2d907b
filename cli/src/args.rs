//! The command line.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use sigpost_runtime::telemetry::{self, LogFormat};
use sigpost_runtime::{allocator, references};

use crate::commands::{
    bench, cleanup, completions, config, dev, dlq, doctor, email, flow, health, jobs, keys, messages, migrate, new,
    publish, queues, schedules, serve, stats, tail, tokens, version,
};
use crate::help;
use crate::usage::{self, WrongUsage};

/// A serverless HTTP-push job dispatcher that speaks QStash's protocol, on your own Postgres.
///
/// Without a command it runs `sigpost dev`: everything in one process, ready to try.
#[derive(Debug, Parser)]
#[command(name = "sigpost", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

impl Args {
    /// Those of this process. What is wrong with them ends it, with usage on stderr.
    pub(crate) fn read() -> Self {
        allocator::give_back_soon();
        let matches = help::grouped(Self::command()).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|why| why.exit())
    }
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.";

/// Which of them belong together says `help.rs`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(dev::Dev),
    Serve(Box<serve::Serve>),
    Health(health::Health),
    Config(config::Config),
    Doctor(doctor::Doctor),
    Migrate(migrate::Migrate),
    Cleanup(cleanup::Cleanup),
    Publish(Box<publish::Publish>),
    Messages(messages::Messages),
    Schedules(schedules::Schedules),
    Stats(stats::Stats),
    Jobs(jobs::Jobs),
    Tail(Box<tail::Tail>),
    Dlq(dlq::Dlq),
    Queues(queues::Queues),
    Flow(flow::Flow),
    Keys(keys::Keys),
    Tokens(tokens::Tokens),
    New(new::New),
    Email(email::Email),
    Bench(bench::Bench),
    #[command(hide = true)]
    BenchSink(bench::sink::BenchSink),
    Completions(completions::Completions),
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
                if error.is::<WrongUsage>() { ExitCode::from(usage::EXIT_CODE) } else { ExitCode::FAILURE }
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
        if matches!(self, Self::Serve(_) | Self::Migrate(_) | Self::Cleanup(_) | Self::Tokens(_) | Self::Doctor(_)) {
            references::resolve().await?;
        }
        let done = match self {
            // These say by their exit code what they found.
            Self::Health(command) => return command.run().await,
            Self::Config(command) => return command.run().await,
            Self::Doctor(command) => return command.run().await,
            Self::Migrate(command) => return command.run().await,
            Self::Dev(command) => command.run().await,
            Self::Serve(command) => command.run().await,
            Self::Cleanup(command) => command.run().await,
            Self::Publish(command) => command.run().await,
            Self::Messages(command) => command.run().await,
            Self::Schedules(command) => command.run().await,
            Self::Stats(command) => command.run().await,
            Self::Jobs(command) => command.run().await,
            Self::Tail(command) => command.run().await,
            Self::Dlq(command) => command.run().await,
            Self::Queues(command) => command.run().await,
            Self::Flow(command) => command.run().await,
            Self::Keys(command) => command.run().await,
            Self::Tokens(command) => command.run().await,
            Self::New(command) => command.run(),
            Self::Email(command) => command.run(),
            Self::Bench(command) => command.run().await,
            Self::BenchSink(command) => command.run().await,
            Self::Completions(command) => command.run(),
            Self::Version(command) => command.run(),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;
    use clap::{Command, CommandFactory};

    use super::Args;

    const DOCUMENTATION: &str = include_str!("../../docs/cli.md");

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_is_documented_with_an_example() {
        let mut leaves = Vec::new();
        collect_leaves(&Args::command(), &mut leaves);
        assert!(leaves.len() > 30);
        for path in leaves {
            let is_example = |line: &str| line == path || line.starts_with(&format!("{path} "));
            assert!(examples().any(|line| is_example(&line)), "docs/cli.md has no `{path}`");
        }
    }

    #[test]
    fn every_documented_command_is_one() {
        for line in examples() {
            let Err(error) = Args::command().try_get_matches_from(words(&line)) else { continue };
            // The database is in the environment, which a test has not.
            let lacks_database =
                error.kind() == ErrorKind::MissingRequiredArgument && error.to_string().contains("--database-url");
            assert!(lacks_database, "{line}\n{error}");
        }
    }

    /// Those that do something: with the names of all above them.
    fn collect_leaves(command: &Command, leaves: &mut Vec<String>) {
        fn walk(command: &Command, path: &str, leaves: &mut Vec<String>) {
            for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
                let path = format!("{path} {}", one.get_name());
                if !one.is_subcommand_required_set() {
                    leaves.push(path.clone());
                }
                walk(one, &path, leaves);
            }
        }
        walk(command, command.get_name(), leaves);
    }

    /// The lines of the shell blocks, without their comments.
    fn examples() -> impl Iterator<Item = String> {
        let blocks = DOCUMENTATION.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
        blocks.flat_map(str::lines).map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned())
    }

    /// As a shell splits it, as far as the documentation goes.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('\'').enumerate();
        parts
            .flat_map(|(i, part)| {
                if i % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
            })
            .collect()
    }
}
