//! Pages of queues, flow-control keys, URL groups and signing keys.

use reqwest::StatusCode;
use serde_json::json;

use super::Console;

#[tokio::test]
async fn queue_is_created_paused_changed_and_resumed() {
    let console = Console::signed_in().await;
    assert!(console.get("/console/queues").await.text.contains("No queues."));
    let queue = async || {
        let queue = console.app.get("/v2/queues/mail").await.body;
        (queue["paused"].clone(), queue["parallelism"].clone())
    };
    let name = [("queue", "mail")];
    for (action, fields, notice, expected) in [
        ("set", &[name[0], ("parallelism", "2")][..], "queue-saved", (json!(false), json!(2))),
        ("pause", &name, "queue-paused", (json!(true), json!(2))),
        ("set", &[name[0], ("parallelism", "3")], "queue-saved", (json!(true), json!(3))),
        ("resume", &name, "queue-resumed", (json!(false), json!(3))),
    ] {
        let done = console.post(&format!("/console/queues/{action}"), fields).await;
        assert_eq!(done.to, format!("/console/queues?notice={notice}"), "{}", done.text);
        assert_eq!(queue().await, expected, "{action}");
    }
    for (fields, reason) in [
        ([("queue", "a b"), ("parallelism", "1")], "queueName: must be a name"),
        ([("queue", "mail"), ("parallelism", "many")], "parallelism: must be a whole number"),
        ([("queue", "mail"), ("parallelism", "0")], "parallelism: must be 1 or more"),
    ] {
        let rejected = console.post("/console/queues/set", &fields).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
        assert!(rejected.text.contains(reason), "{}", rejected.text);
    }
    assert_eq!(console.post("/console/queues/pause", &[("queue", "absent")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn flow_control_key_is_pinned_paused_and_unpinned() {
    let console = Console::signed_in().await;
    let key = [("key", "customer/7 %")];
    for (action, fields, notice) in [
        ("pin", &[key[0], ("parallelism", "2"), ("rate", "10"), ("period", "1m")][..], "key-pinned"),
        ("pause", &key, "key-paused"),
        ("reset", &key, "rate-reset"),
    ] {
        let done = console.post(&format!("/console/flow-control/{action}"), fields).await;
        assert_eq!(done.to, format!("/console/flow-control?notice={notice}"), "{}", done.text);
    }
    let stored = async || console.app.get("/v2/flowControl/customer%2F7%20%25").await.body;
    let now = stored().await;
    let told = ["parallelismMax", "rateMax", "ratePeriod", "isPinnedRate", "isPaused"].map(|name| now[name].clone());
    assert_eq!(told, [json!(2), json!(10), json!(60), json!(true), json!(true)]);
    let page = console.get("/console/flow-control?search=customer").await.text;
    for shown in ["customer/7 %", "pinned", "paused", "0 of 2", "0 of 10 per 60 s"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    for (action, notice) in [("resume", "key-resumed"), ("unpin", "key-unpinned")] {
        let done = console.post(&format!("/console/flow-control/{action}"), &key).await;
        assert_eq!(done.to, format!("/console/flow-control?notice={notice}"));
    }
    let now = stored().await;
    assert_eq!([&now["isPinnedRate"], &now["isPinnedParallelism"], &now["isPaused"]], [&json!(false); 3]);
    let rejected = console.post("/console/flow-control/pin", &key).await;
    assert!(rejected.text.contains("pin: requires parallelism or rate"), "{}", rejected.text);
    // A name that changes the path unless it is encoded.
    let lost = console.post("/console/flow-control/pause", &[("key", "..")]).await;
    assert_eq!(lost.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn endpoints_are_added_to_a_group_and_removed() {
    let console = Console::signed_in().await;
    for (url, name) in [("https://example.com/one", ""), ("https://example.com/two", "second")] {
        let done = console.post("/console/url-groups/add", &[("group", "all"), ("url", url), ("name", name)]).await;
        assert_eq!(done.to, "/console/url-groups?notice=endpoint-added", "{}", done.text);
    }
    let endpoints = async || console.app.get("/v2/topics/all").await.body["endpoints"].clone();
    let two = json!({ "url": "https://example.com/two", "name": "second" });
    assert_eq!(endpoints().await, json!([{ "url": "https://example.com/one" }, two]));
    let first = [("group", "all"), ("url", "https://example.com/one")];
    assert!(console.post("/console/url-groups/remove", &first).await.text.contains("Remove this endpoint?"));
    console.post_confirmed("/console/url-groups/remove", &first).await;
    assert_eq!(endpoints().await, json!([two]));
    let rejected =
        console.post("/console/url-groups/add", &[("group", "all"), ("url", "nonsense"), ("name", "")]).await;
    assert!(
        rejected.status == StatusCode::BAD_REQUEST && rejected.text.contains("endpoints[0].url"),
        "{}",
        rejected.text
    );
}

#[tokio::test]
async fn keys_are_rotated_in_two_steps_and_never_shown() {
    let console = Console::signed_in().await;
    let before = console.app.get("/v2/keys").await.body;
    let (current, next) = (before["current"].as_str().expect("a key"), before["next"].as_str().expect("a key"));
    let page = console.get("/console/keys").await.text;
    assert!(page.contains(&format!("<code>{}…</code>", &current[..8])) && page.contains("In use since"), "{page}");
    assert!(!page.contains(current) && !page.contains(next), "{page}");

    assert!(
        console
            .get("/console/keys/rotate")
            .await
            .text
            .contains("type=\"checkbox\" name=\"confirmed\" value=\"yes\" required")
    );
    assert!(console.post("/console/keys/rotate", &[]).await.text.contains("Rotate the signing keys?"));
    assert_eq!(console.app.get("/v2/keys").await.body, before);
    let done = console.post_confirmed("/console/keys/rotate", &[]).await;
    assert_eq!(done.to, "/console/keys?notice=keys-rotated");
    let after = console.app.get("/v2/keys").await.body;
    assert!(after["current"] == next && after["next"] != next, "{after}");
}
