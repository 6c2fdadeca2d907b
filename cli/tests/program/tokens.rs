//! `sigpost tokens`.

use std::process::Output;

use serde_json::{Value, json};
use sigpost_store::Database;
use sigpost_store::api_tokens::{Grant, Scope, TokenHash, find_live};

use crate::running::{finished, sigpost};
use crate::serve::{empty_database, stderr};

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).expect("JSON")
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let url = empty_database("program_tokens").await;
    let run = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("DATABASE_URL", &url);
        finished(command)
    };
    let create = |name, rest: &[&str]| run(&[&["tokens", "create", name], rest].concat());
    let unmigrated = run(&["tokens", "list"]);
    assert_eq!(unmigrated.status.code(), Some(1));
    assert!(stderr(&unmigrated).contains("(`sigpost migrate`)"), "{}", stderr(&unmigrated));
    stdout(&run(&["migrate"]));
    assert_eq!(stdout(&run(&["tokens", "list"])), "no tokens except QSTASH_TOKEN");

    // Only the token is on stdout.
    let ci = stdout(&create("ci", &["--scope", "publish"]));
    let described = parsed(&create("panel", &["--scope", "read", "--rate-limit", "5", "--json"]));
    let panel = described["token"].as_str().expect("a token");
    assert_eq!(described, json!({ "name": "panel", "scope": "read", "rateLimit": 5, "token": panel }));
    let store = Database::new(&url, 1).expect("a database");
    let mut conn = store.connection().await.expect("a connection");
    let mut granted = async |token: &str| {
        assert!(token.starts_with("sgp_") && token.len() > 40, "{token}");
        find_live(&mut conn, TokenHash::of(token.as_bytes())).await.expect("a result")
    };
    assert_eq!(granted(&ci).await, Some(Grant { scope: Scope::Publish, rate_limit: None }));
    assert_eq!(granted(panel).await, Some(Grant { scope: Scope::Read, rate_limit: 5.try_into().ok() }));

    let taken = create("ci", &["--scope", "full"]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(stderr(&taken).contains("a token named \"ci\" already exists; revoke it first"), "{}", stderr(&taken));
    assert_eq!(parsed(&run(&["tokens", "revoke", "ci", "--yes", "--json"])), json!({ "revoked": "ci" }));
    assert_eq!(granted(&ci).await, None);
    let again = run(&["tokens", "revoke", "ci", "--yes"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("no active token is named \"ci\""), "{}", stderr(&again));
    assert_ne!(stdout(&create("ci", &["--scope", "full"])), ci);

    let listed = run(&["tokens", "list", "--json"]);
    let rows = parsed(&listed);
    let row = |row: &Value| (row["name"].clone(), row["scope"].clone(), row["revokedAt"].is_string());
    let rows: Vec<_> = rows.as_array().expect("rows").iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (json!("ci"), json!("publish"), true),
            (json!("panel"), json!("read"), false),
            (json!("ci"), json!("full"), false)
        ]
    );
    let text = stdout(&run(&["tokens", "list"]));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ci ") && lines[0].contains(" publish ") && lines[0].contains("revoked 20"), "{text}");
    assert!(lines[1].contains("5 requests per second") && !lines[1].contains("revoked"), "{text}");
    for shown in [text.clone(), stdout(&listed)] {
        assert!(
            !shown.contains("sgp_") && !shown.contains(&panel[4..12]) && !shown.contains(&panel[panel.len() - 8..])
        );
    }
}

#[test]
fn what_no_token_can_be_is_wrong_usage() {
    let long = "x".repeat(65);
    for arguments in [
        &["a b", "--scope", "full"][..],
        &["", "--scope", "full"],
        &["ü", "--scope", "full"],
        &[&long, "--scope", "full"],
        &["ci", "--scope", "everything"],
        &["ci"],
        &["ci", "--scope", "full", "--rate-limit", "0"],
    ] {
        let mut command = sigpost(&[&["tokens", "create"], arguments].concat());
        command.env("DATABASE_URL", "postgres://127.0.0.1:9/none");
        assert_eq!(finished(command).status.code(), Some(2), "{arguments:?}");
    }
}
