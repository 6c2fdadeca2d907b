//! `sigpost dev`.

use std::process::Command;

use axum::Router;
use axum::http::HeaderMap;
use serde_json::Value;
use sigpost::jobs::JOBS;
use sigpost_qstash::DEV_TOKEN;

use crate::running::{Running, finished, folder, sigpost};

fn postgres_pid(data_dir: &std::path::Path) -> Option<String> {
    // As root the cluster can be in another folder: search the process list.
    let listed = Command::new("ps").args(["-eo", "pid,args"]).output().expect("ps");
    let folder = data_dir.file_name().expect("a name").to_string_lossy().into_owned();
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .find(|line| line.contains(&folder) && line.contains("postgres"))
        .map(|line| line.split_whitespace().next().expect("a pid").to_owned())
}

#[test]
fn the_first_start_shows_the_life_of_a_job_and_what_to_paste() {
    let folder = folder();
    let (mut dev, url) = Running::dev(folder.path());
    let output = dev.output();
    let place = |text: &str| output.find(text).unwrap_or_else(|| panic!("no {text:?} in:\n{output}"));
    let story =
        ["accepted", "attempt    signed POST", "run        send-email attempt 1: completed", "recorded   delivered"];
    let places = story.map(place);
    assert!(places.is_sorted(), "{output}");
    for line in [
        format!("export QSTASH_URL={url}"),
        format!("export QSTASH_TOKEN={DEV_TOKEN}"),
        "export QSTASH_CURRENT_SIGNING_KEY=sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r".into(),
        "export QSTASH_NEXT_SIGNING_KEY=sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs".into(),
    ] {
        place(&line);
    }

    dev.signal("INT");
    assert!(dev.ended().success(), "{}", dev.output());
    assert_eq!(postgres_pid(folder.path()), None, "Postgres was left behind");

    let (second, _) = Running::dev(folder.path());
    assert!(!second.output().contains("The first job"), "{}", second.output());
}

#[tokio::test]
async fn every_job_has_a_route_of_its_own_that_asks_for_a_signature() {
    let folder = folder();
    let (_dev, url) = Running::dev(folder.path());
    let client = reqwest::Client::new();
    for job in JOBS {
        let answer = client.post(format!("{url}{}", job.endpoint)).body("{}").send().await.expect("a response");
        let (status, body) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
        assert_eq!((status.as_u16(), &body["error"]), (401, &"Missing signature".into()), "{}", job.name);
    }
}

#[test]
fn a_taken_port_is_said_before_anything_is_started() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("address").port().to_string();
    let mut command = sigpost(&["dev", "--port", &port, "--data-dir"]);
    command.arg(folder.path().join("data"));
    let output = finished(command);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{error}");
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn jobs_are_run_and_counted_and_the_cleanup_reports() {
    let folder = folder();
    let (_dev, url) = Running::dev(folder.path());
    let publish = format!("{url}/v2/publish/{url}/api/jobs/cleanup");
    let client = reqwest::Client::new();
    let sent =
        client.post(publish).bearer_auth(DEV_TOKEN).body(r#"{"retention": 90}"#).send().await.expect("a response");
    let id = sent.json::<Value>().await.expect("JSON")["messageId"].as_str().expect("an id").to_owned();

    let health = async || -> Value {
        let asked = client.get(format!("{url}/api/admin/job-health")).bearer_auth(DEV_TOKEN).send();
        asked.await.expect("a response").json().await.expect("JSON")
    };
    let message = async || -> Value {
        let asked = client.get(format!("{url}/v2/messages/{id}")).bearer_auth(DEV_TOKEN).send();
        asked.await.expect("a response").json().await.expect("JSON")
    };
    // There is no signal across the processes: poll, with an upper bound.
    for _ in 0..200 {
        if message().await["state"] == "DELIVERED" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(message().await["state"], "DELIVERED");
    let health = health().await;
    assert_eq!(health["health"], "healthy", "{health}");
    assert_eq!(health["failureRate"], 0.0, "{health}");
    assert_eq!(health["totalJobs"], 2, "{health}");
    assert!(health["stats"].is_array(), "{health}");
}

#[tokio::test]
async fn a_host_is_led_to_this_machine() {
    let (sender, mut hosts) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let leads = format!("billing.example={}", listener.local_addr().expect("address"));
    let router = Router::new().fallback(async move |headers: HeaderMap| {
        let _ = sender.send(headers["host"].clone());
    });
    tokio::spawn(async move { axum::serve(listener, router).await });

    let folder = folder();
    let (_dev, url) = Running::dev_with(folder.path(), &["--resolve", &leads]);
    let publish = reqwest::Client::new().post(format!("{url}/v2/publish/http://billing.example/hook"));
    publish.bearer_auth(DEV_TOKEN).send().await.expect("a response");
    let host = tokio::time::timeout(std::time::Duration::from_secs(30), hosts.recv()).await.expect("a delivery");
    assert_eq!(host.expect("a host"), "billing.example");
}
