//! `sigpost tail`.

use serde_json::Value;

use crate::deployment::Deployment;
use crate::running::Running;

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
    // Between one and the next the log is read at least once, and what is older with it.
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
    assert!(at.refusal(&["tail", "--state", "LOST"]).contains("400"));
}
