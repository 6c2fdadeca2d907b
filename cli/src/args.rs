//! Command-line arguments.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use sigpost_runtime::telemetry::{self, LogFormat};
use sigpost_runtime::{allocator, references};

use crate::commands::{
    cleanup, completions, config, dev, dlq, doctor, email, flow, health, jobs, keys, messages, migrate, new, publish,
    queues, schedules, serve, stats, tail, tokens, version,
};
use crate::usage::{self, WrongUsage};
use crate::{help, output};

/// QStash-compatible job dispatcher on your own Postgres: stores messages and delivers them as signed HTTP requests.
///
/// Without a command, `sigpost` runs `sigpost dev`: all components in one process, for development.
#[derive(Debug, Parser)]
#[command(name = "sigpost", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Whether the command prints the response of the API as JSON.
    #[clap(skip)]
    json: bool,
}

impl Args {
    /// Parses the arguments of this process. Prints usage on stderr and exits if they are invalid.
    pub(crate) fn read() -> Self {
        allocator::give_back_soon();
        let matches = help::grouped(Self::command()).get_matches();
        let args = Self::from_arg_matches(&matches).unwrap_or_else(|why| why.exit());
        Self { json: has_json(&matches), ..args }
    }

    /// Runs the command. Prints an error with its causes on stderr, and with `--json` the error of the API on stdout.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(why) => {
                eprintln!("error: the runtime cannot start: {why}");
                return ExitCode::FAILURE;
            }
        };
        let error = match runtime.block_on(self.command.unwrap_or_default().dispatch()) {
            Ok(code) => return code,
            Err(error) => error,
        };
        eprintln!("error: {error:#}");
        match error.downcast_ref() {
            Some(sigpost_client::Error::Unreachable { .. }) => {
                eprintln!("is `sigpost dev` running there? --url or QSTASH_URL sets another URL");
            }
            Some(sigpost_client::Error::Status(rejection)) if self.json => {
                // The error itself is on stderr.
                let _ = output::json(rejection);
            }
            _ => {}
        }
        if error.is::<WrongUsage>() { ExitCode::from(usage::EXIT_CODE) } else { ExitCode::FAILURE }
    }
}

/// Whether the arguments of the command include `--json`.
fn has_json(matches: &ArgMatches) -> bool {
    let json = matches.try_get_one::<bool>("json").ok().flatten().copied();
    json.unwrap_or(false) || matches.subcommand().is_some_and(|(_, matches)| has_json(matches))
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 rejected or failed (the reason is on stderr), 2 wrong usage.";

/// Commands. `help.rs` defines their groups in the help.
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
    Completions(completions::Completions),
    Version(version::Version),
}

impl Default for Command {
    fn default() -> Self {
        Self::Dev(dev::Dev::parse_from(["dev"]))
    }
}

impl Command {
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
            // The exit code of these commands is their result.
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
            Self::Completions(command) => command.run(Args::command()),
            Self::Version(command) => command.run(),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::error::ErrorKind;
    use clap::{Command, CommandFactory};

    use super::Args;

    const DOCUMENTATION: &str = include_str!("../../docs/src/reference/cli.md");

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_is_documented_with_an_example() {
        let leaves = leaves();
        assert!(leaves.len() > 30);
        for (path, _) in leaves {
            let is_example = |line: &str| line == path || line.starts_with(&format!("{path} "));
            assert!(examples().any(|line| is_example(&line)), "docs/src/reference/cli.md has no `{path}`");
        }
    }

    #[test]
    fn every_documented_command_is_one() {
        for line in examples() {
            let Err(error) = Args::command().try_get_matches_from(words(&line)) else { continue };
            // The examples take the database from DATABASE_URL, which is not set here.
            let lacks_database =
                error.kind() == ErrorKind::MissingRequiredArgument && error.to_string().contains("--database-url");
            assert!(lacks_database, "{line}\n{error}");
        }
    }

    /// Returns the commands without required subcommands, with their full path such as `sigpost dlq list`.
    fn leaves() -> Vec<(String, Command)> {
        fn walk(command: &Command, path: &str, leaves: &mut Vec<(String, Command)>) {
            for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
                let path = format!("{path} {}", one.get_name());
                if !one.is_subcommand_required_set() {
                    leaves.push((path.clone(), one.clone()));
                }
                walk(one, &path, leaves);
            }
        }
        let mut leaves = Vec::new();
        let command = Args::command();
        walk(&command, command.get_name(), &mut leaves);
        leaves
    }

    /// Returns, for each table of docs/src/reference/cli.md, the commands in its heading and the long flags of its rows.
    fn documented_flags() -> Vec<(Vec<String>, BTreeSet<String>)> {
        let sections = DOCUMENTATION.split("\n## ").flat_map(|chapter| chapter.split("\n### "));
        let read = |section: &str| {
            let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
            let commands = heading.split('`').skip(1).step_by(2).map(|name| format!("sigpost {name}")).collect();
            let rows = text.lines().filter(|line| line.starts_with("| `-"));
            let cells = rows.filter_map(|line| line.split('|').nth(1));
            let words = cells.flat_map(|cell| cell.split(|c: char| c.is_whitespace() || "`,".contains(c)));
            (
                heading.to_owned(),
                commands,
                words.filter_map(|word| word.strip_prefix("--")).map(str::to_owned).collect(),
            )
        };
        let tables = sections.map(read).filter(|(_, _, flags): &(_, _, BTreeSet<String>)| !flags.is_empty());
        // Many commands have the flags of this section; the help of each command lists them.
        let of_all =
            |heading: &str| if heading == "Connection and output" { vec!["sigpost".to_owned()] } else { vec![] };
        tables
            .map(|(heading, commands, flags): (String, Vec<String>, _)| ([commands, of_all(&heading)].concat(), flags))
            .collect()
    }

    #[test]
    fn every_flag_is_documented_for_its_command_and_every_documented_flag_exists() {
        let tables = documented_flags();
        let documented = |command: &str| -> BTreeSet<String> {
            let of_command = tables.iter().filter(|(commands, _)| commands.iter().any(|name| name == command));
            of_command.flat_map(|(_, flags)| flags.iter().cloned()).collect()
        };
        let shared = documented("sigpost");
        assert!(shared.contains("token") && shared.contains("yes"), "{shared:?}");
        let leaves = leaves();
        for (path, command) in &leaves {
            let visible = command.get_arguments().filter(|flag| !flag.is_hide_set());
            let flags: BTreeSet<String> = visible.filter_map(|flag| Some(flag.get_long()?.to_owned())).collect();
            let documented = documented(path);
            let missing: Vec<_> =
                flags.iter().filter(|flag| !documented.contains(*flag) && !shared.contains(*flag)).collect();
            assert!(missing.is_empty(), "docs/src/reference/cli.md has no {missing:?} of `{path}`");
            let unknown: Vec<_> = documented.difference(&flags).collect();
            assert!(unknown.is_empty(), "docs/src/reference/cli.md has {unknown:?}, which are not flags of `{path}`");
        }
        for name in tables.iter().flat_map(|(commands, _)| commands).filter(|name| *name != "sigpost") {
            assert!(
                leaves.iter().any(|(path, _)| path == name),
                "docs/src/reference/cli.md has a table for `{name}`, which is not a command"
            );
        }
    }

    #[test]
    fn commands_that_ask_are_documented_and_include_all_that_destroy() {
        let table = DOCUMENTATION.split("\n## Commands that ask\n").nth(1).expect("the section");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let documented: BTreeSet<String> =
            rows.map(|command| format!("sigpost {}", command.split(" --").next().unwrap_or(command))).collect();
        let asking = |command: &Command| command.get_arguments().any(|flag| flag.get_long() == Some("yes"));
        let leaves = leaves();
        let ask: BTreeSet<String> =
            leaves.iter().filter(|(_, command)| asking(command)).map(|(path, _)| path.clone()).collect();
        assert_eq!(ask, documented);
        for (path, command) in &leaves {
            let destroys = |name: &str| {
                ["delete", "cancel", "revoke", "rotate", "cleanup", "revert", "remove", "purge", "drop"].contains(&name)
            };
            let flag_destroys = command.get_arguments().filter_map(|flag| flag.get_long()).any(destroys);
            assert!(!(destroys(command.get_name()) || flag_destroys) || asking(command), "{path} must ask");
        }
    }

    /// Returns the lines of the shell blocks, without comments.
    fn examples() -> impl Iterator<Item = String> {
        let blocks = DOCUMENTATION.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
        blocks.flat_map(str::lines).map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned())
    }

    /// Splits a line into words like a shell. Supports single quotes only.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('\'').enumerate();
        parts
            .flat_map(|(i, part)| {
                if i % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
            })
            .collect()
    }
}
