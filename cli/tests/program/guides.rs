//! Runs the commands of the guides and of the first tutorial, as they stand there, against `sigpost dev` and a database.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sigpost_qstash::DEV_TOKEN;

use crate::deployment::Deployment;
use crate::running::{finished, sigpost};
use crate::serve::empty_database;

/// Pages whose commands run here, in this order: the last one reverts a migration.
const PAGES: [&str; 12] = [
    "getting-started/try-it",
    "guides/connect-postgres",
    "guides/observability",
    "guides/callbacks",
    "guides/queues-and-flow-control",
    "guides/migrate-from-qstash",
    "guides/schedules",
    "guides/dead-letters",
    "guides/key-rotation",
    "guides/private-targets",
    "guides/production-checklist",
    "guides/upgrade",
];

/// Guides whose commands do not run here: `tests/it/restore.rs` runs the script of backups, `.ci/new-job/run` follows
/// the guide for handlers, `.ci/watch/run` runs the functions, `.ci/infra/run` checks the files for AWS, Docker and
/// Kubernetes. Troubleshooting has a setting only.
const OTHER_GUIDES: [&str; 7] = [
    "backup-and-restore",
    "deploy-aws",
    "deploy-docker-compose",
    "deploy-kubernetes",
    "deploy-systemd",
    "handlers-rust",
    "troubleshooting",
];

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src")
}

/// Returns the commands of a page's shell blocks, with continued lines joined. A command that asks is confirmed.
fn commands(page: &str) -> Vec<String> {
    let mut lines = page.lines().map(str::trim);
    let mut commands = Vec::new();
    while lines.by_ref().any(|line| line == "```sh") {
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        for command in block.join("\n").replace("\\\n", " ").lines() {
            let (command, comment) = command.split_once(" # ").unwrap_or((command, ""));
            let confirmed = if comment.contains("asks") { " --yes" } else { "" };
            commands.push(format!("{}{confirmed}", command.trim().replace("cargo run -- ", "sigpost ")));
        }
    }
    commands
}

/// Whether a command runs here. Settings and parts of commands are no commands; `traces.rs` tests the collector.
fn runs_here(command: &str) -> bool {
    ["sigpost ", "curl "].iter().any(|program| command.starts_with(program))
}

#[test]
fn every_guide_with_commands_is_run() {
    let files = fs::read_dir(book().join("guides")).expect("the guides").map(|entry| entry.expect("an entry").path());
    let guides = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let with_commands = guides.filter(|path| !commands(&fs::read_to_string(path).expect("a page")).is_empty());
    let names: BTreeSet<String> =
        with_commands.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    let run = PAGES.iter().filter_map(|page| page.strip_prefix("guides/"));
    let known: BTreeSet<String> = run.chain(OTHER_GUIDES).map(str::to_owned).collect();
    assert_eq!(names, known, "list a new guide in PAGES");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_the_guides_work_as_written() {
    let database_url = empty_database("program_guides").await;
    let mut migrate = sigpost(&["migrate"]);
    migrate.env("DATABASE_URL", &database_url);
    assert!(finished(migrate).status.success());
    let mut at = Deployment::start().await;
    at.fail_for_good(2, "redriven").await;
    // One that the guide deletes after it has redriven those of the destination.
    let hook = at.destination.clone();
    at.destination = format!("{hook}?kept");
    at.fail_for_good(1, "kept").await;
    let letters = at.json(&["dlq", "list", "--label", "kept"]);
    let letter = letters["messages"][0]["dlqId"].as_str().expect("an ID");
    at.text(&["schedules", "create", &hook, "--cron", "0 8 * * 1", "--id", "weekly"]);

    let mut script = format!(
        "set -euo pipefail\nsigpost() {{ {} \"$@\"; }}\ncurl() {{ command curl --fail-with-body -sS \"$@\"; }}\n",
        env!("CARGO_BIN_EXE_sigpost")
    );
    for page in PAGES {
        let page = fs::read_to_string(book().join(page).with_extension("md")).expect(page);
        for command in commands(&page).into_iter().filter(|command| runs_here(command)) {
            // The exit code of these commands is their result; a command with wrong arguments exits with 2.
            let checks = ["sigpost doctor", "sigpost migrate status", "sigpost health --jobs"];
            let tolerated = if checks.iter().any(|check| command.starts_with(check)) { " || [ $? = 1 ]" } else { "" };
            script.push_str(&format!("{command}{tolerated}\n"));
        }
    }
    let destinations = hook.trim_end_matches("/hook");
    let script = script
        .replace("https://example.com", destinations)
        .replace("https://handlers.example.com", destinations)
        .replace("https://jobs.example.com", &at.url)
        .replace("http://127.0.0.1:8080", &at.url)
        .replace("1763800000123-42", letter);
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("DATABASE_URL", &database_url);
    bash.env("QSTASH_URL", &at.url).env("QSTASH_TOKEN", DEV_TOKEN);
    let output = finished(bash);
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{printed}");
    assert!(script.matches("\nsigpost ").count() > 25 && script.matches("\ncurl ").count() > 3, "{script}");
}
