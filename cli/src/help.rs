//! The list of commands in `sigpost --help`, in groups. clap does not support groups of commands.

use std::fmt::Write;

use clap::Command;

/// Groups of commands. Commands without a group are listed in the last one.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run", &["dev", "serve", "health", "doctor", "config", "migrate", "cleanup"]),
    ("Publish", &["publish", "messages", "schedules"]),
    ("Inspect", &["stats", "jobs", "tail"]),
    ("Operate", &["dlq", "queues", "flow", "keys", "tokens"]),
    ("Develop", &["new", "email"]),
];
const LAST: &str = "Other";

/// Sets a help template that lists the subcommands in groups.
pub(crate) fn grouped(command: Command) -> Command {
    let header = *command.get_styles().get_header();
    let literal = *command.get_styles().get_literal();
    let visible: Vec<&Command> = command.get_subcommands().filter(|one| !one.is_hide_set()).collect();
    let width = visible.iter().map(|one| one.get_name().len()).max().unwrap_or(0);
    let is_grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let in_group = |group: &'static [&'static str]| {
        group.iter().filter_map(|name| visible.iter().find(|one| one.get_name() == *name))
    };
    let groups = GROUPS.iter().map(|(title, names)| (*title, in_group(names).copied().collect::<Vec<_>>()));
    let last = visible.iter().copied().filter(|one| !is_grouped(one.get_name())).collect();
    let mut listed = String::new();
    for (title, commands) in groups.chain([(LAST, last)]) {
        let _ = writeln!(listed, "{header}{title}:{header:#}");
        for one in commands {
            let about = one.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(listed, "  {literal}{:<width$}{literal:#}  {about}", one.get_name());
        }
        listed.push('\n');
    }
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{listed}{header}Options:{header:#}\n{{options}}{{after-help}}"
    ))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_command_is_listed_once_and_every_group_has_its_commands() {
        let command = Args::command();
        let names: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(names.contains(name), "{name} is not a command");
        }
        let help = grouped(command.clone()).render_help().to_string();
        for one in command.get_subcommands() {
            let listed = help.lines().filter(|line| line.split_whitespace().next() == Some(one.get_name())).count();
            assert_eq!(listed, usize::from(!one.is_hide_set()), "{}\n{help}", one.get_name());
        }
    }
}
