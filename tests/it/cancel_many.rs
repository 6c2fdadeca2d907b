//! `DELETE /v2/messages`: bulk cancellation.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, Answered, TestApp, answered};

/// Publishes a message that is due in an hour.
async fn waiting(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> MessageId {
    app.publish(&app.receiver.url(path), &[headers, &[("Upstash-Delay", "1h")]].concat(), "").await.id()
}

/// Returns the number of cancelled messages that a bulk cancel reports.
async fn cancelled(app: &TestApp, query: &str) -> i64 {
    let answer = app.delete(&format!("/v2/messages{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {answer:?}");
    answer.body["cancelled"].as_i64().expect("a number")
}

async fn with_body(app: &TestApp, query: &str, body: Value) -> Answered {
    answered(app.request(Method::DELETE, &format!("/v2/messages{query}")).json(&body)).await
}

async fn open(app: &TestApp) -> i64 {
    app.database.count("select count(*) from message_states where finished_at is null").await
}

/// Wire reference, section 10: rows 9 and 12; section 0: trap 6.
#[tokio::test]
async fn ids_may_be_repeated_listed_or_in_the_body() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(waiting(&app, "/", &[]).await);
    }
    assert_eq!(cancelled(&app, &format!("?messageIds={}&messageIds={}", ids[0], ids[1])).await, 2);
    assert_eq!(cancelled(&app, &format!("?messageIds={},{},{}", ids[0], ids[2], MessageId::new())).await, 1);
    let answer = with_body(&app, "", json!({ "messageIds": [ids[3], "no id", ids[4]] })).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "cancelled": 2 })));
    // Other filters are ignored when IDs are given.
    assert_eq!(cancelled(&app, &format!("?messageIds={}&label=none&count=1", ids[5])).await, 1);
    for id in &ids[..6] {
        assert_eq!(app.states(*id).await, "CREATED CANCEL_REQUESTED CANCELED");
    }
    assert_eq!(app.states(ids[6]).await, "CREATED");
}

/// Wire reference, section 10: rows 9, 10, 17 and 47.
#[tokio::test]
async fn ambiguous_requests_cancel_nothing() {
    let app = TestApp::start().await;
    let id = waiting(&app, "/", &[]).await;
    for body in [json!({ "messageIds": [] }), json!({ "messageIds": [MessageId::new()] })] {
        let answer = with_body(&app, "", body).await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "cancelled": 0 })));
    }
    assert_eq!(cancelled(&app, "?messageIds=").await, 0);

    let rejected = [
        ("/", json!(null), ""),
        ("/?qstash_token=eyJ", json!(null), ""),
        ("?labeel=a", json!(null), "labeel: "),
        ("?label=", json!(null), "label: "),
        ("?label=,%20,", json!(null), "label: "),
        ("", json!({ "labeel": "a" }), "labeel: "),
        ("", json!({ "label": [] }), "label: "),
        ("", json!({ "label": "" }), "label: "),
        ("", json!({ "label": { "a": 1 } }), "label: "),
        ("", json!(["msg_1"]), "invalid body: "),
        ("?count=0", json!(null), "count: "),
        ("?count=501", json!(null), "count: "),
        ("?fromDate=today", json!(null), "fromDate: "),
        (&format!("?messageIds={id}"), json!({ "messageIds": [MessageId::new()] }), "messageIds: "),
        ("?label=a", json!({ "label": ["b"] }), "label: "),
    ];
    for (query, body, error) in rejected {
        let answer = match body {
            Value::Null => app.delete(&format!("/v2/messages{query}")).await,
            body => with_body(&app, query, body).await,
        };
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.error().starts_with(error), "{query}: {}", answer.error());
    }
    assert_eq!(open(&app).await, 1);
    let same = with_body(&app, &format!("?messageIds={id}"), json!({ "messageIds": [id] })).await;
    assert_eq!(same.body, json!({ "cancelled": 1 }));
}

#[tokio::test]
async fn filters_select_and_combine_with_and() {
    let app = TestApp::start().await;
    let host = app.receiver.url("");
    let host = host.strip_prefix("http://").expect("a url");
    let listed = app.receiver.url("/list?ids=1,2");
    for (path, headers) in [
        ("/a?x=1", &[("Upstash-Label", "red,green")][..]),
        ("/a?x=2", &[("Upstash-Label", "green")][..]),
        ("/b", &[("Upstash-Queue-Name", "mail"), ("Upstash-Label", "red")][..]),
        ("/c", &[("Upstash-Flow-Control-Key", "key"), ("Upstash-Flow-Control-Value", "parallelism=1")][..]),
        ("/list?ids=1,2", &[][..]),
    ] {
        waiting(&app, path, headers).await;
    }
    // This test's server cannot publish these.
    app.database.execute("update messages set topic_name = 'group' where url like '%/b'").await;
    app.database.execute("update messages set schedule_id = 'daily' where url like '%/c'").await;

    for (query, expected) in [
        ("label=red".to_owned(), 2),
        ("label=red&label=green".to_owned(), 3),
        ("label=red,green".to_owned(), 3),
        ("label=red&path=/a".to_owned(), 1),
        ("label=re".to_owned(), 0),
        ("path=/a".to_owned(), 2),
        ("path=/a,/b".to_owned(), 3),
        (format!("host={host}"), 5),
        ("host=127.0.0.1".to_owned(), 5),
        ("host=127.0.0.1:1".to_owned(), 0),
        (format!("url={}", app.receiver.url("/a%3Fx=1")), 1),
        (format!("url={}", app.receiver.url("/a")), 0),
        (format!("url={}", listed.replace('?', "%3F")), 1),
        (format!("url={},{}", app.receiver.url("/b"), app.receiver.url("/c")), 2),
        ("queueName=mail".to_owned(), 1),
        ("queueName=mail&flowControlKey=key".to_owned(), 0),
        ("flowControlKey=key".to_owned(), 1),
        ("topicName=group".to_owned(), 1),
        ("scheduleId=daily,weekly".to_owned(), 1),
        ("callerIp=127.0.0.1".to_owned(), 5),
        ("callerIP=127.0.0.1".to_owned(), 5),
        ("callerIp=127.0.0.2".to_owned(), 0),
        ("fromDate=1".to_owned(), 5),
        ("toDate=1".to_owned(), 0),
    ] {
        assert_eq!(cancelled(&app, &format!("?{query}")).await, expected, "{query}");
        // Restores the cancelled messages to pending.
        app.database
            .execute(
                "with cancelled as (delete from attempts returning message_id)
                 insert into pending_deliveries (id, due_at, body_bytes, limits)
                 select id, not_before, octet_length(body), gates from messages where id in (select message_id from cancelled)",
            )
            .await;
    }
    let answer = with_body(&app, "?path=/a", json!({ "label": ["red", "blue"], "count": 10 })).await;
    assert_eq!(answer.body, json!({ "cancelled": 1 }));
}

/// Wire reference, section 0: trap 26.
/// Older clients send a count with every request.
#[tokio::test]
async fn request_without_filters_cancels_open_messages_up_to_count() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(200), Answer::status(500)]);
    let delivered = app.publish_here(&[], "").await.id();
    app.wait_for(delivered, StepKind::Delivered).await;
    let retrying = app.publish_here(&[], "").await.id();
    app.wait_for(retrying, StepKind::Retried).await;
    app.receiver.otherwise(Answer::status(200).held());
    let queued = [("Upstash-Queue-Name", "mail")];
    let in_flight = app.publish_here(&queued, "").await.id();
    app.wait_for(in_flight, StepKind::Pushed).await;
    let at_the_gate = app.publish_here(&queued, "").await.id();
    waiting(&app, "/", &[]).await;

    assert_eq!(cancelled(&app, "?count=1").await, 1);
    assert_eq!(cancelled(&app, "").await, 3);
    app.receiver.caller_disconnected().await;
    assert_eq!((open(&app).await, cancelled(&app, "").await), (0, 0));
    assert_eq!(app.database.count("select count(*) from slots").await, 0, "the queue is free again");
    assert_eq!(app.database.count("select count(*) from dead_letters").await, 0);
    assert_eq!(app.states(delivered).await, "CREATED ACTIVE DELIVERED");
    assert_eq!(app.states(in_flight).await, "CREATED ACTIVE CANCEL_REQUESTED CANCELED");
    assert_eq!(app.states(at_the_gate).await, "CREATED CANCEL_REQUESTED CANCELED");
}

#[tokio::test]
async fn concurrent_bulk_cancels_cancel_each_message_once() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let id = waiting(&app, "/", &[]).await;
    app.database
        .execute(
            "insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before)
             select gen_random_uuid(), state, due_at, url, method, header, body, retries, labels, not_before
             from message_states, generate_series(1, 4999)",
        )
        .await;
    let (one, other) = tokio::join!(cancelled(&app, ""), cancelled(&app, ""));
    assert_eq!(one + other, 5000);
    assert_eq!(open(&app).await, 0);
    assert_eq!(app.database.count("select count(*) from events where state = 'CANCELED'").await, 5000);
    assert_eq!(app.states(id).await, "CREATED CANCEL_REQUESTED CANCELED");
}

/// A message older than its day is moved to the default partition.
#[tokio::test]
async fn message_in_the_default_partition_is_found() {
    let app = TestApp::start().await;
    waiting(&app, "/old", &[]).await;
    let day = "select to_char(now() at time zone 'utc', 'YYYYMMDD')";
    let day: String = app.database.query(day, &[]).await[0].get(0);
    app.database.execute("select drop_oldest_day(date_trunc('day', now(), 'utc') + interval '1 day')").await;
    let dropped = format!("select count(*) from pg_class where relname = 'messages_{day}'");
    assert_eq!(app.database.count(&dropped).await, 0);
    assert_eq!(cancelled(&app, "?path=/old").await, 1);
}

/// The JavaScript SDK's cursors are whole milliseconds: it cannot distinguish two events of one millisecond.
#[tokio::test]
async fn cancellation_is_logged_one_millisecond_after_its_request() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(waiting(&app, "/", &[]).await);
    }
    app.delete(&format!("/v2/messages/{}", ids[0])).await;
    assert_eq!(cancelled(&app, &format!("?messageIds={},{}", ids[1], ids[2])).await, 2);
    assert_eq!(cancelled(&app, "").await, 3);
    let path = format!("/v2/enqueue/q/{}", app.receiver.url("/"));
    let queued = answered(app.request(Method::POST, &path).header("Upstash-Delay", "1h")).await.id();
    app.delete("/v2/queues/q").await;
    for id in ids.into_iter().chain([queued]) {
        let times = [app.event(id, "CANCEL_REQUESTED").await, app.event(id, "CANCELED").await];
        let [requested, cancelled] = times.map(|event| event["time"].as_i64().expect("a time"));
        assert_eq!(cancelled - requested, 1);
        assert_eq!(app.states(id).await, "CREATED CANCEL_REQUESTED CANCELED");
    }
}
