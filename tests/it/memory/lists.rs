//! The size of a page is bounded in bytes, and a cursor continues the list.

use dispatch::dispatcher::StepKind;
use serde_json::Value;

use super::body;
use crate::support::{Answer, TestApp};

/// Two bodies of this size fit on a page.
const LARGE: usize = 3_000_000;

/// Returns the IDs on each page, in order, and whether every row has a body.
async fn pages(app: &TestApp, path: &str, rows: &str, id: &str) -> (Vec<Vec<String>>, bool) {
    let (mut pages, mut have_bodies, mut cursor) = (Vec::new(), true, String::new());
    loop {
        let page = app.get(&format!("{path}{cursor}")).await.body;
        let rows = page[rows].as_array().unwrap_or_else(|| panic!("{page}"));
        have_bodies &= rows.iter().all(|row| row["body"].is_string());
        pages.push(rows.iter().map(|row| row[id].as_str().expect("an id").to_owned()).collect());
        match &page["cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return (pages, have_bodies),
        }
    }
}

#[tokio::test]
async fn page_of_events_ends_at_its_byte_limit_with_a_cursor() {
    let app = TestApp::start().await;
    let mut published = Vec::new();
    for size in [LARGE, 9_000_000, LARGE, LARGE, LARGE, 1] {
        published.push(app.publish_here(&[("Upstash-Delay", "1h")], &body(size)).await.id().to_string());
    }
    let [first, alone, third, fourth, fifth, small] = &published[..] else { panic!("six") };

    let (earliest, have_bodies) = pages(&app, "/v2/events?order=earliestFirst", "events", "messageId").await;
    let expected = [vec![first], vec![alone], vec![third, fourth], vec![fifth, small]];
    assert_eq!(earliest.iter().map(|page| page.iter().collect::<Vec<_>>()).collect::<Vec<_>>(), expected);
    assert!(have_bodies);
    let (newest, _) = pages(&app, "/v2/logs?count=100", "logs", "messageId").await;
    assert_eq!(newest.concat(), published.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(newest.len(), 4);
}

#[tokio::test]
async fn bodies_that_are_not_requested_do_not_count() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(500));
    for _ in 0..4 {
        let id = app.publish_here(&[("Upstash-Retries", "0")], &body(LARGE)).await.id();
        app.wait_for(id, StepKind::Failed).await;
    }
    for (path, rows, on_page) in [("/v2/events?bodies=false", "events", 16), ("/v2/dlq?bodies=false", "messages", 4)] {
        let page = app.get(path).await.body;
        assert_eq!((page[rows].as_array().expect("rows").len(), page.get("cursor")), (on_page, None), "{path}");
        assert!(page[rows].as_array().expect("rows").iter().all(|row| row.get("body").is_none()), "{path}");
    }
}

#[tokio::test]
async fn page_of_dead_letters_ends_at_its_byte_limit_with_a_cursor() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(500));
    for _ in 0..3 {
        let id = app.publish_here(&[("Upstash-Retries", "0")], &body(LARGE)).await.id();
        app.wait_for(id, StepKind::Failed).await;
    }
    let (all, have_bodies) = pages(&app, "/v2/dlq?count=50", "messages", "dlqId").await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert!(have_bodies);
    // Lists of named IDs have pages, too.
    let ids = all.concat();
    let (named, _) = pages(&app, &format!("/v2/dlq?dlqIds={}", ids.join(",")), "messages", "dlqId").await;
    assert_eq!(named, all);
}

#[tokio::test]
async fn responses_of_destinations_count_as_bodies_do() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(500).body(body(60_000)));
    let items = (0..200).map(
        |_| serde_json::json!({ "destination": app.receiver.url("/hook"), "headers": { "Upstash-Retries": "0" } }),
    );
    let items: Vec<Value> = items.collect();
    let batch = app.request(reqwest::Method::POST, "/v2/batch").json(&items);
    for published in crate::support::answered(batch).await.body.as_array().expect("a list") {
        app.wait_for(serde_json::from_value(published["messageId"].clone()).expect("an id"), StepKind::Failed).await;
    }
    let (pages, _) = pages(&app, "/v2/events?state=ERROR", "events", "messageId").await;
    assert_eq!(pages.concat().len(), 200);
    assert!(pages.len() > 1 && pages[0].len() > 100, "{:?}", pages.iter().map(Vec::len).collect::<Vec<_>>());
}
