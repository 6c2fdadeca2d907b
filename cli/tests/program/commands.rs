//! `publish`, `messages`, `health` and `version`.

use std::io::{Read, Write};

use serde_json::Value;

use crate::running::{Running, finished, folder, sigpost};

fn json(command: std::process::Command) -> Value {
    let output = finished(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_message_is_published_shown_and_cancelled_once() {
    let folder = folder();
    let (_dev, url) = Running::dev(folder.path());
    let at = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("QSTASH_URL", &url);
        command
    };
    let target = format!("{url}/api/jobs/cleanup");
    let published =
        json(at(&["publish", &target, "--body", "{\"retention\": 1}", "--delay", "1h", "--label", "mine", "--json"]));
    let id = published["messageId"].as_str().expect("an id");

    let shown = json(at(&["messages", "get", id, "--json"]));
    assert_eq!(
        (&shown["url"], &shown["label"], &shown["state"]),
        (&target.as_str().into(), &"mine".into(), &"CREATED".into())
    );

    assert_eq!(json(at(&["messages", "cancel", id, "--yes", "--json"]))["cancelled"], 1);
    let again = finished(at(&["messages", "cancel", id, "--yes"]));
    assert_eq!(again.status.code(), Some(1));
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(error.contains("404") && error.contains("already cancelled"), "{error}");

    let rejected = finished(at(&["publish", &target, "--delay", "soon"]));
    assert_eq!(rejected.status.code(), Some(1));
    let error = String::from_utf8_lossy(&rejected.stderr);
    assert!(error.contains("400") && error.contains("Upstash-Delay") && !error.contains("request ID"), "{error}");
    let rejected = finished(at(&["publish", &target, "--delay", "soon", "--json"]));
    let body: Value = serde_json::from_slice(&rejected.stdout).expect("JSON");
    assert_eq!((rejected.status.code(), &body["code"]), (Some(1), &"invalid_header".into()));
    assert!(body["requestId"].is_string() && body["error"].is_string(), "{body}");
}

#[test]
fn an_api_that_is_away_is_an_error_that_says_what_to_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut command = sigpost(&["messages", "get", "msg_1"]);
    command.env("QSTASH_URL", format!("http://{free}"));
    let output = finished(command);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("no response from http://") && error.contains("is `sigpost dev` running there?"), "{error}");
}

#[test]
fn health_prints_why_a_process_is_not_ready() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 1024]).expect("a request");
        let body = r#"{"error":"the database is unavailable; try again","requestId":"req_1"}"#;
        let head = format!("HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).expect("written");
    });
    let output = finished(sigpost(&["health", "--ready", "--url", &url]));
    server.join().expect("served");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("503 Service Unavailable: the database is unavailable; try again (request ID req_1)"),
        "{error}"
    );
}

#[test]
fn wrong_usage_exits_with_two_and_help_with_zero() {
    assert_eq!(finished(sigpost(&["dev", "--prot", "1"])).status.code(), Some(2));
    for arguments in [
        &["--help"][..],
        &["dev", "--help"],
        &["serve", "--help"],
        &["publish", "--help"],
        &["email", "preview", "--help"],
    ] {
        let output = finished(sigpost(arguments));
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.len() > 200);
    }
    assert_eq!(json(sigpost(&["version", "--json"]))["version"], env!("CARGO_PKG_VERSION"));
}
