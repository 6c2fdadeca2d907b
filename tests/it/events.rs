//! `GET /v2/events` and `GET /v2/logs`.

use dispatch::dispatcher::StepKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, TestApp};

/// Starts an app with three messages: one delivered, one between attempts, one cancelled.
struct Log {
    app: TestApp,
    delivered: MessageId,
    retrying: MessageId,
    cancelled: MessageId,
}

impl Log {
    async fn start() -> Self {
        let app = TestApp::start().await;
        app.receiver.answers([Answer::status(200), Answer::status(500)]);
        let delivered = app.publish_here(&[("Upstash-Label", "red,green")], "first").await.id();
        app.wait_for(delivered, StepKind::Delivered).await;
        let elsewhere = app.receiver.url("/elsewhere?a=1");
        let headers = [("Upstash-Label", "blue"), ("Upstash-Retry-Delay", "60000 * (1 +  retried)")];
        let retrying = app.publish(&elsewhere, &headers, "second").await.id();
        app.wait_for(retrying, StepKind::Retried).await;
        let cancelled = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
        app.delete(&format!("/v2/messages/{cancelled}")).await;
        Self { app, delivered, retrying, cancelled }
    }

    /// Returns the states of all matching events, newest first.
    async fn found(&self, query: &str) -> String {
        let page = self.app.get(&format!("/v2/events?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}: {page:?}");
        let events = page.body["events"].as_array().expect("events");
        events.iter().map(|event| event["state"].as_str().expect("a state")).collect::<Vec<_>>().join(" ")
    }
}

const DELIVERED: &str = "DELIVERED ACTIVE CREATED";
const RETRYING: &str = "RETRY ERROR ACTIVE CREATED";
const CANCELLED: &str = "CANCELED CANCEL_REQUESTED CREATED";

/// Wire reference, section 10: rows 4 and 20; section 0: traps 2 and 7.
#[tokio::test]
async fn both_paths_list_the_log_newest_first() {
    let Log { app, .. } = Log::start().await;
    let events = app.get("/v2/events").await;
    let logs = app.get("/v2/logs").await;

    assert_eq!(events.body, logs.body);
    assert_eq!(events.body["events"], events.body["logs"]);
    let states = events.body["events"].as_array().expect("events").iter().map(|event| event["state"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>().join(" "), [CANCELLED, RETRYING, DELIVERED].join(" "));
    assert_eq!(events.body.get("cursor"), None);
}

/// Wire reference, section 10: rows 5 and 7; section 0: traps 18 and 20.
#[tokio::test]
async fn event_shows_its_message() {
    let Log { app, retrying, .. } = Log::start().await;
    let mut event = app.event(retrying, "RETRY").await;

    let time = event["time"].as_i64().expect("a number");
    assert_eq!(event["nextDeliveryTime"], time + 60_000);
    event.as_object_mut().expect("an object").retain(|name, _| name != "time" && name != "nextDeliveryTime");
    assert_eq!(
        event,
        json!({
            "messageId": retrying,
            "state": "RETRY",
            "url": app.receiver.url("/elsewhere?a=1"),
            "method": "POST",
            "body": "c2Vjb25k",
            "error": "the destination returned status 500",
            "maxRetries": 3,
            "retryDelayExpr": "60000 * (1 +  retried)",
            "retryDelayExpression": "60000 * (1 +  retried)",
            "label": "blue",
            "labels": ["blue"],
            "callerIP": "127.0.0.1",
            "callerIp": "127.0.0.1",
        })
    );
}

#[tokio::test]
async fn list_without_bodies_has_all_other_fields() {
    let Log { app, retrying, .. } = Log::start().await;
    let page = async |bodies: &str| app.get(&format!("/v2/events?messageId={retrying}{bodies}")).await.body;
    let mut with = page("").await;
    for key in ["events", "logs"] {
        for event in with[key].as_array_mut().expect("a list") {
            assert_eq!(event.as_object_mut().expect("an object").remove("body"), Some(json!("c2Vjb25k")));
        }
    }
    assert_eq!(page("&bodies=false").await, with);
    assert_ne!(page("&bodies=true").await, with);
    let rejected = app.get("/v2/events?bodies=few").await;
    assert_eq!(
        (rejected.status, rejected.error()),
        (StatusCode::BAD_REQUEST, "bodies: must be true or false, got \"few\"")
    );
}

/// Wire reference, section 10: rows 3 and 17.
#[tokio::test]
async fn events_are_filtered_by_message_state_destination_label_and_date() {
    let log = Log::start().await;
    let (delivered, retrying, cancelled) = (log.delivered, log.retrying, log.cancelled);
    let time = |event: Value| event["time"].as_i64().expect("a time");
    let first = time(log.app.event(delivered, "CREATED").await);
    let retry = time(log.app.event(retrying, "RETRY").await);
    let everything = [CANCELLED, RETRYING, DELIVERED].join(" ");
    let two = [CANCELLED, DELIVERED].join(" ");
    let url = log.app.receiver.url("/elsewhere%3Fa%3D1");
    let cases = [
        (format!("messageId={delivered}"), DELIVERED),
        (format!("messageIds={delivered}&messageIds={cancelled}"), &*two),
        (format!("messageIds={delivered},{cancelled}"), &*two),
        (format!("messageId={}", MessageId::new()), ""),
        ("messageId=msg_7YoJxFpwk".to_owned(), ""),
        (format!("messageIds=x,{delivered}"), DELIVERED),
        ("state=DELIVERED".to_owned(), "DELIVERED"),
        ("state=IN_PROGRESS".to_owned(), "RETRY ERROR ACTIVE ACTIVE"),
        ("state=CANCELED".to_owned(), "CANCELED"),
        ("state=CANCELLED".to_owned(), "CANCELED"),
        (format!("state=CREATED&messageId={delivered}"), "CREATED"),
        (format!("url={url}"), RETRYING),
        (format!("url={}", log.app.receiver.url("/nothing")), ""),
        ("label=green".to_owned(), DELIVERED),
        ("label=blue&label=none".to_owned(), RETRYING),
        ("label=blue,red".to_owned(), "RETRY ERROR ACTIVE CREATED DELIVERED ACTIVE CREATED"),
        ("label=gre".to_owned(), ""),
        (format!("fromDate={first}"), &*everything),
        (format!("toDate={}", first - 1), ""),
        (format!("fromDate={retry}&toDate={retry}&state=RETRY"), "RETRY"),
        ("count=2".to_owned(), "CANCELED CANCEL_REQUESTED"),
        (format!("order=earliestFirst&messageId={retrying}"), "CREATED ACTIVE ERROR RETRY"),
        (format!("order=latestFirst&messageId={retrying}"), RETRYING),
        ("host=127.0.0.1".to_owned(), &*everything),
        ("host=example.com".to_owned(), ""),
        ("path=/elsewhere".to_owned(), RETRYING),
        ("path=/elsewhere&label=red".to_owned(), ""),
        ("path=/elsewhere,/hook&state=RETRY,CANCELED".to_owned(), "CANCELED RETRY"),
        ("callerIp=127.0.0.1&callerIP=::1".to_owned(), &*everything),
        ("topicName=none".to_owned(), ""),
        ("scheduleId=none".to_owned(), ""),
        ("queueName=none".to_owned(), ""),
        ("flowControlKey=none".to_owned(), ""),
        (format!("messageId={delivered}&label=blue"), ""),
        ("labeel=none".to_owned(), &*everything),
        // Empty values mean absent, and parameters that only the console sends are ignored.
        (format!("state=&label=&cursor=&trimBody=0&messageId={retrying}"), RETRYING),
    ];
    for (query, expected) in cases {
        assert_eq!(log.found(&query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn pages_have_no_gaps_or_duplicates() {
    let Log { app, .. } = Log::start().await;
    // Many events at one time, and at several times of one millisecond.
    app.database
        .execute(
            "insert into seeds.events (at, message_id, state)
             select date_trunc('hour', now()) - make_interval(secs => (n / 4) * 0.0003), m.id, 'ACTIVE'
             from messages m, generate_series(1, 40) n;
             insert into attempts (message_id, number, retried, outcome, started_at)
             select m.id, n, 0, 'lease_expired', date_trunc('hour', now()) - n * interval '100 microseconds'
             from messages m, generate_series(1, 40) n",
        )
        .await;
    for order in ["latestFirst", "earliestFirst"] {
        let all = app.get(&format!("/v2/events?order={order}")).await.body;
        let expected = all["events"].as_array().expect("events").clone();
        assert_eq!(expected.len(), 250);
        for count in [1, 7, 249, 250] {
            let mut seen: Vec<Value> = Vec::new();
            let mut cursor = String::new();
            loop {
                let page = app.get(&format!("/v2/events?order={order}&count={count}&cursor={cursor}")).await.body;
                let events = page["events"].as_array().expect("events");
                assert!(events.len() <= count);
                seen.extend(events.iter().cloned());
                match page.get("cursor") {
                    Some(next) => cursor = next.as_str().expect("a text").to_owned(),
                    None => break,
                }
            }
            assert!(seen == expected, "{order}, {count} a page");
        }
    }
}

#[tokio::test]
async fn invalid_parameter_is_rejected_by_name() {
    let app = TestApp::start().await;
    for (name, value) in [
        ("state", "delivered"),
        ("state", "DONE"),
        ("fromDate", "yesterday"),
        ("toDate", "1.5"),
        ("order", "newest"),
        ("count", "0"),
        ("count", "1001"),
        ("count", "-1"),
        ("count", "many"),
        ("cursor", "x"),
        ("cursor", "1-x"),
        // Beyond the range of dates.
        ("fromDate", "9223372036854775807"),
        ("toDate", "-9223372036854775808"),
        ("cursor", "9223372036854775807-1"),
    ] {
        let answer = app.get(&format!("/v2/events?{name}={value}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
        assert!(answer.error().starts_with(&format!("{name}: ")), "{}", answer.error());
    }
}

/// Wire reference, section 10: row 6; section 0: trap 19.
#[tokio::test]
async fn delivered_event_has_response_headers_and_no_body() {
    let app = TestApp::start().await;
    let long = "x".repeat(9_000);
    app.receiver.answers([
        Answer::status(201).header("X-Trace", "1").body("a long story"),
        Answer::status(200).header("A-Trace", "2").header("X-Long", long),
    ]);
    for (status, name, value) in [(201, "X-Trace", "1"), (200, "A-Trace", "2")] {
        let id = app.publish_here(&[], "").await.id();
        app.wait_for(id, StepKind::Delivered).await;
        let event = app.event(id, "DELIVERED").await;
        assert_eq!(event["responseStatus"], status);
        assert_eq!(
            (&event["responseHeader"][name], &event["responseHeaders"][name]),
            (&json!([value]), &json!([value]))
        );
        assert_eq!((event["responseHeader"].get("X-Long"), event.get("responseBody")), (None, None));
    }
}

/// Section 3.6: redaction hides values from readers, not from the destination.
#[tokio::test]
async fn redacted_values_are_shown_nowhere() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500)]);
    let headers = [
        ("Upstash-Redact-Fields", "body,header[Authorization]"),
        ("Upstash-Forward-Authorization", "secret"),
        ("Upstash-Forward-X-Open", "open"),
        ("Upstash-Retries", "0"),
    ];
    let id = app.publish_here(&headers, "secret").await.id();
    app.wait_for(id, StepKind::Failed).await;
    let received = app.receiver.next().await;
    assert_eq!((received.header("authorization"), &received.body[..]), ("secret", &b"secret"[..]));

    let hidden = "REDACTED:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let message = app.message(id).await;
    let letter = app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
    for shown in [&message, &letter] {
        assert_eq!((&shown["body"], &shown["header"]["Authorization"]), (&json!(hidden), &json!([hidden])));
        assert_eq!(shown["header"]["X-Open"], json!(["open"]));
    }
    let base64 = "UkVEQUNURUQ6MmJiODBkNTM3YjFkYTNlMzhiZDMwMzYxYWE4NTU2ODZiZGUwZWFjZDcxNjJmZWY2YTI1ZmU5N2JmNTI3YTI1Yg==";
    for event in app.events(id).await {
        assert_eq!((&event["body"], &event["header"]["Authorization"]), (&json!(base64), &json!([hidden])));
    }
}
