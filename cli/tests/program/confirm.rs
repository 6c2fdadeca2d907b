//! Confirmation of destructive commands, without a terminal.

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::running::{finished, sigpost};
use crate::serve::empty_database;

/// Asserts that the command exits with 2, prints the question and `--yes` on stderr, and nothing on stdout.
fn assert_asks(name: &str, mut command: std::process::Command, question: &str) {
    command.stdin(std::process::Stdio::null());
    let output = finished(command);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{name}: {error}");
    assert!(error.contains(question), "{name}: {error}");
    assert!(error.contains("Stdin is not a terminal: confirm with --yes"), "{name}: {error}");
    assert!(output.stdout.is_empty(), "{name}: {output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_yes_nothing_is_destroyed_and_the_exit_code_is_two() {
    let mut at = Deployment::start().await;
    at.fail_for_good(2, "mine").await;
    let letters = at.json(&["dlq", "list", "--label", "mine"]);
    let letter = letters["messages"][0]["dlqId"].as_str().expect("an id");
    let published = at.json(&["publish", &at.destination, "--delay", "1h"]);
    let message = published["messageId"].as_str().expect("an id");
    at.text(&["queues", "set", "invoices", "--parallelism", "3"]);
    at.text(&["schedules", "create", &at.destination, "--cron", "0 0 1 1 *", "--id", "yearly"]);
    let keys = at.json(&["keys", "show", "--reveal"]);

    for (arguments, question) in [
        (&["messages", "cancel", message][..], "Cancel the message msg_"),
        (&["schedules", "delete", "yearly"], "Delete the schedule yearly?"),
        (&["dlq", "delete", letter], "Delete 1 dead letter?"),
        (&["dlq", "delete", "--label", "mine"], "2 dead letters match. Delete them?"),
        (&["dlq", "delete", "--all"], "2 dead letters match. Delete them?"),
        (&["queues", "delete", "invoices"], "Delete the queue invoices and cancel its messages?"),
        (&["keys", "rotate"], "Do all handlers have both keys"),
    ] {
        assert_asks(&arguments.join(" "), at.command(arguments), question);
    }
    assert_eq!(at.json(&["messages", "get", message])["state"], "CREATED");
    assert_eq!(at.json(&["schedules", "show", "yearly"])["scheduleId"], "yearly");
    assert_eq!(at.json(&["dlq", "list"]), letters);
    assert_eq!(at.json(&["queues", "show", "invoices"])["parallelism"], 3);
    assert_eq!(at.json(&["keys", "show", "--reveal"]), keys);
}

#[tokio::test]
async fn without_yes_the_database_keeps_its_data() {
    let url = empty_database("program_confirm").await;
    let command = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", &url);
        command
    };
    assert!(finished(command(&["migrate"])).status.success());
    assert!(finished(command(&["tokens", "create", "shop", "--scope", "read"])).status.success());
    for (arguments, question) in [
        (&["migrate", "--revert"][..], "Data in reverted tables and columns is lost. Revert 1 migration?"),
        (&["migrate", "--revert", "2", "--json"], "Revert 2 migrations?"),
        (&["tokens", "revoke", "shop"], "Revoke the token shop?"),
        (&["cleanup", "--older-than", "90d"], "Delete messages, runs and events that ended more than 90 days ago?"),
    ] {
        assert_asks(&arguments.join(" "), command(arguments), question);
    }
    assert!(finished(command(&["migrate", "status"])).status.success(), "all migrations are applied");
    let tokens = finished(command(&["tokens", "list", "--json"]));
    let tokens: Value = serde_json::from_slice(&tokens.stdout).expect("JSON");
    assert_eq!(tokens[0]["revokedAt"], json!(null));
}
