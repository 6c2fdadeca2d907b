//! `sigpost tail`.

use serde_json::Value;

use crate::deployment::Deployment;
use crate::running::{Running, finished, folder, sigpost};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_followed_each_event_once_and_in_order_and_without_payloads() {
    let at = Deployment::start().await;
    let secret = "a secret";
    let publish = || {
        let answer =
            at.json(&["publish", &at.destination, "--body", secret, "--label", "mine", "-H", "X-Secret: a secret"]);
        answer["messageId"].as_str().expect("an id").to_owned()
    };
    let mut tail = Running::start(at.command(&["tail", "--follow", "--since", "1h", "--label", "mine", "--json"]));
    // Between two publishes the log is read at least once, including older events.
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(publish());
        tail.wait_for("DELIVERED");
    }
    tail.signal("INT");
    assert!(tail.ended().success(), "{}", tail.output());
    let output = tail.output();
    assert!(!output.contains("secret") && !output.contains("YSBzZWNyZXQ"), "{output}");
    let seen: Vec<String> = output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("one object a line"))
        .map(|event| {
            format!("{} {}", event["messageId"].as_str().expect("an id"), event["state"].as_str().expect("a state"))
        })
        .collect();
    let each = |id: &String| ["CREATED", "ACTIVE", "DELIVERED"].map(|state| format!("{id} {state}"));
    assert_eq!(seen, ids.iter().flat_map(each).collect::<Vec<_>>());

    let lines = at.text(&["tail", "--message", &ids[1]]);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[2].contains(&format!("DELIVERED         {}  {}  200", ids[1], at.destination)), "{lines:?}");
    let newest = at.text(&["tail", "-n", "1", "--label", "mine", "--state", "DELIVERED"]);
    assert!(newest.lines().count() == 1 && newest.contains(&ids[2]), "{newest}");
    assert!(at.rejection(&["tail", "--state", "LOST"]).contains("400"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_counted_also_of_one_millisecond() {
    let mut at = Deployment::start().await;
    // One transaction: all are created in one millisecond.
    at.fail_for_good(60, "many").await;
    let created = ["tail", "--label", "many", "--state", "CREATED"];
    for (lines, expected) in [("8", 8), ("1", 1), ("60", 60), ("1000", 60)] {
        let printed = at.text(&[&created[..], &["-n", lines]].concat());
        assert_eq!(printed.lines().count(), expected, "-n {lines}");
    }
    let all = at.text(&[&created[..], &["-n", "60"]].concat());
    let newest = at.text(&[&created[..], &["-n", "8"]].concat());
    assert!(all.ends_with(&newest), "the newest, in their order:\n{newest}\nof\n{all}");
    assert_eq!(at.text(&[&created[..], &["--since", "1h"]].concat()).lines().count(), 60, "--since has no bound");
}

#[test]
fn follow_waits_for_a_deployment_that_does_not_answer_yet() {
    let folder = folder();
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let at_free = |arguments: &[&str]| {
        let mut command = sigpost(arguments);
        command.env("QSTASH_URL", format!("http://{free}"));
        command
    };
    assert_eq!(finished(at_free(&["tail"])).status.code(), Some(1), "without --follow it is an error");

    let mut tail = Running::start(at_free(&["tail", "--follow"]));
    tail.wait_for("retrying until it responds");
    let mut dev = sigpost(&["dev", "--port", &free.port().to_string(), "--data-dir"]);
    dev.arg(folder.path());
    let mut dev = Running::start(dev);
    dev.wait_for("sigpost runs on ");
    // The first start delivers one job.
    tail.wait_for("DELIVERED");
    tail.signal("INT");
    assert!(tail.ended().success(), "{}", tail.output());
    assert_eq!(tail.output().matches("retrying until").count(), 1, "{}", tail.output());
}
