//! Runs every shell command of the README against `sigpost dev`.

use std::process::Command;

use crate::running::{Running, folder};

const README: &str = include_str!("../../../README.md");

/// Returns the commands of the README's shell blocks, with continued lines joined and comments removed.
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
            // `cargo run` and `cargo test` already run here; `serve.rs` tests the commands of a deployment.
            "cargo run" | "cargo test --workspace" => {}
            "sigpost migrate" | "sigpost serve --listen 0.0.0.0:8080" => {}
            _ if command.starts_with("export DATABASE_URL=") => {}
            _ => script.push_str(&format!("{command}\n")),
        }
    }
    // Use the port of this test and the program under test, and make curl fail on HTTP errors.
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
