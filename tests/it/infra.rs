//! The templates in `infra/` agree with the code: each provides exactly what the other needs.

mod alarms;
mod database;
mod environment;
mod evaluate;
mod functions;
mod kubernetes;
mod permissions;
mod schedules;
mod stack;
mod yaml;

use stack::Stack;

use crate::support::{read, repository};

/// Lists the packages in `functions/`. Each is a deployed function.
fn packages() -> Vec<String> {
    let folders = std::fs::read_dir(repository("functions")).expect("functions/");
    let mut names: Vec<_> =
        folders.map(|folder| folder.expect("a folder").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Lists the packages that run jobs.
fn handlers() -> Vec<String> {
    packages().into_iter().filter(|package| !matches!(package.as_str(), "dispatch" | "admin" | "ingress")).collect()
}

/// Returns the prefix of a package's resource names.
fn logical_name(package: &str) -> String {
    package.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
