//! Every shell command of the README is run, as it stands there, against a `sigpost dev`.

use std::process::Command;

use crate::running::{Running, folder};

const README: &str = include_str!("../../../README.md");

/// The lines of the README's shell blocks, continued lines joined, comments cut.
fn shell_commands() -> Vec<String> {
    let blocks = README.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("an end"));
    blocks
        .flat_map(|block| block.replace("\\\n", " ").lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| line.split(" # ").next().expect("a part").trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn every_shell_command_works_as_written() {
    let folder = folder();
    let (_dev, url) = Running::dev(folder.path());
    let mut script = String::from("set -euo pipefail\n");
    for command in shell_commands() {
        match command.as_str() {
            // The two set-up commands are what runs this test and what it has started; the
            // deployment's commands are run by `serve.rs`, on a database of its own.
            "cargo run" | "cargo test --workspace" => {}
            "sigpost migrate" | "sigpost serve --listen 0.0.0.0:8080" => {}
            _ if command.starts_with("export DATABASE_URL=") => {}
            _ => script.push_str(&format!("{command}\n")),
        }
    }
    // The port is the test's own, the program the one just built, and curl fails when the API does.
    let script = script
        .replace("http://127.0.0.1:8080", &url)
        .replace("cargo run --", env!("CARGO_BIN_EXE_sigpost"))
        .replace("curl ", "curl --fail-with-body --silent --show-error ");
    assert!(script.matches("curl ").count() >= 3 && script.contains("publish"), "{script}");
    let output = Command::new("bash").args(["-c", &script]).env("QSTASH_URL", &url).output().expect("bash");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("failureRate"));
}

#[test]
fn it_is_short() {
    assert!(README.lines().count() < 120);
}
