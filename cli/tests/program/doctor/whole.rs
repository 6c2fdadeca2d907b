//! All items on a deployment without problems, and the output.

use std::collections::BTreeSet;

use serde_json::Value;
use sigpost_dev_postgres::{DataDir, Durability, Options, Server};
use sigpost_store::{Database, migrate};

use super::Deployment;
use crate::running::{Running, finished, sigpost};

/// Source of the tests of single items.
const TESTS: &str = concat!(
    include_str!("alerts.rs"),
    include_str!("api.rs"),
    include_str!("database.rs"),
    include_str!("jobs.rs"),
    include_str!("keys.rs"),
    include_str!("leases.rs"),
    include_str!("retention.rs"),
    include_str!("schedules.rs"),
    include_str!("schema.rs"),
    include_str!("settings.rs"),
);

#[test]
fn every_item_is_listed_and_has_a_test_with_a_deployment_that_breaks_it() {
    let output = finished(sigpost(&["doctor", "--list", "--json"]));
    let items: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let items = items.as_array().expect("items");
    assert!(items.len() > 40 && items.iter().all(|item| item["title"].is_string()));
    let untested: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).filter(|id| !breaks(id)).collect();
    assert!(untested.is_empty(), "{untested:?}");

    let lines = finished(sigpost(&["doctor", "--list", "--only", "indexes,schema"]));
    assert_eq!(String::from_utf8_lossy(&lines.stdout).lines().count(), 2);
    let unknown = finished(sigpost(&["doctor", "--only", "no-such-item"]));
    assert_eq!(unknown.status.code(), Some(2));
}

/// Whether a test makes the item warn or fail. Ignores line breaks.
fn breaks(id: &str) -> bool {
    let tests = TESTS.split_whitespace().collect::<Vec<_>>().join(" ");
    ["warned", "failed"].iter().any(|state| tests.contains(&format!("\"{id}\", \"{state}\"")))
}

#[tokio::test]
async fn a_deployment_that_is_in_order_fails_in_nothing() {
    let options = Options {
        data_dir: DataDir::Temporary,
        durability: Durability::Durable,
        settings: vec![("archive_mode".into(), "on".into()), ("archive_command".into(), "true".into())],
    };
    let server = tokio::task::spawn_blocking(|| Server::start(options, &mut |_| ())).await.expect("a thread");
    let server = server.expect("Postgres");
    let url = server.url("postgres");
    migrate::up(&Database::new(&url, 1).expect("a database")).await.expect("migrations");
    let mut serve = sigpost(&["serve", "--listen", "127.0.0.1:0"]);
    serve.env("DATABASE_URL", &url).env("QSTASH_TOKEN", "a-token-of-my-own");
    let mut serve = Running::start(serve);
    let line = serve.wait_for("sigpost serves");
    let address = format!("http://{}", line.split("listen=").nth(1).expect("where it listens").trim());

    let deployment = Deployment::at(url).await;
    let mut command = deployment.command(&["--url", &address]);
    command.env("ADMIN_TOKEN", "another-token-of-my-own-and-long").env("API_RATE_LIMIT_PER_SECOND", "50");
    let output = finished(command);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |state: &str| -> BTreeSet<&str> {
        let items = answer["items"].as_array().expect("items").iter();
        items.filter(|item| item["state"] == state).filter_map(|item| item["id"].as_str()).collect()
    };
    assert_eq!(of("failed"), BTreeSet::new(), "{answer:#}");
    assert_eq!(output.status.code(), Some(0));
    // The deployment is new: no WAL archived, no job has run, one process, no alert channel.
    let expected = ["alert-channels", "backups", "cleanup", "health-checks", "processes"];
    assert_eq!(of("warned"), BTreeSet::from(expected), "{answer:#}");
    assert_eq!(of("skipped"), BTreeSet::from(["handlers-signed", "key-settings", "schedules-mirrored"]), "{answer:#}");
    assert_eq!(answer["summary"]["passed"], of("passed").len());

    // The text output: no colors without a terminal, one line per item, and the fixes.
    let mut command = sigpost(&["doctor", "--only", "durability,processes"]);
    command.env("DATABASE_URL", &deployment.url).env("QSTASH_TOKEN", "a-token-of-my-own");
    let text = String::from_utf8_lossy(&finished(command).stdout).into_owned();
    assert!(text.starts_with("✓ passed   durability  fsync") && !text.contains('\u{1b}'), "{text}");
    assert!(text.contains("! warned   processes   1 listen") && text.contains("-> run two"), "{text}");
    assert!(text.ends_with("\n1 passed, 1 warned, 0 failed, 0 skipped\n"), "{text}");
    serve.signal("TERM");
    assert!(serve.ended().success());
}
