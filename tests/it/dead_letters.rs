//! `/v2/dlq`.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, TestApp, answered};

/// Publishes a message that fails, and returns it with its dead letter.
async fn fail(app: &TestApp, headers: &[(&str, &str)]) -> (MessageId, Value) {
    app.receiver.answers([Answer::status(500).header("X-Why", "bug").body("sorry")]);
    let headers = [headers, &[("Upstash-Retries", "0")]].concat();
    let id = app.publish_here(&headers, "body").await.id();
    app.wait_for(id, StepKind::Failed).await;
    app.receiver.all_so_far().await;
    let page = app.get(&format!("/v2/dlq?messageId={id}")).await.body;
    (id, page["messages"][0].clone())
}

#[tokio::test]
async fn dead_letter_shows_the_message_and_its_last_response() {
    let app = TestApp::start().await;
    let (id, mut letter) = fail(&app, &[("Content-Type", "text/plain"), ("Upstash-Label", "a")]).await;

    let dlq_id = letter["dlqId"].as_str().expect("an id").to_owned();
    let (failed_at_ms, _) = dlq_id.split_once('-').expect("<ms>-<seq>");
    assert!((failed_at_ms.parse::<i64>().unwrap() - letter["createdAt"].as_i64().unwrap()).abs() < 60_000);
    assert_eq!(letter, app.get(&format!("/v2/dlq/{dlq_id}")).await.body);
    assert_eq!(letter["responseHeader"]["X-Why"], json!(["bug"]));
    let fields = letter.as_object_mut().expect("an object");
    fields.retain(|name, _| !["responseHeader", "createdAt", "notBefore"].contains(&&**name));
    assert_eq!(
        letter,
        json!({
            "messageId": id,
            "dlqId": dlq_id,
            "url": app.receiver.url("/hook"),
            "method": "POST",
            "maxRetries": 0,
            "header": { "Content-Type": ["text/plain"] },
            "body": "body",
            "callerIP": "127.0.0.1",
            "callerIp": "127.0.0.1",
            "label": "a",
            "labels": ["a"],
            "state": "FAILED",
            "responseStatus": 500,
            "responseBody": "sorry",
        })
    );
}

#[tokio::test]
async fn list_without_bodies_has_all_other_fields() {
    let app = TestApp::start().await;
    let (_, mut letter) = fail(&app, &[]).await;
    letter.as_object_mut().expect("an object").remove("body").expect("a body");
    assert_eq!(app.get("/v2/dlq?bodies=false").await.body, json!({ "messages": [letter] }));
    // For a method that changes rows it would match none.
    assert_eq!(app.delete("/v2/dlq?bodies=false").await.status, StatusCode::BAD_REQUEST);
}

/// Wire reference, section 10: row 13; section 0: trap 7.
#[tokio::test]
async fn retry_creates_a_message_and_deletes_the_dead_letter() {
    let app = TestApp::start().await;
    let headers = [("Content-Type", "text/plain"), ("Upstash-Forward-X-Shop", "a"), ("Upstash-Method", "PUT")];
    let (id, letter) = fail(&app, &headers).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let retried = app.post(&path).await;
    assert_eq!(retried.status, StatusCode::CREATED);
    assert_eq!(retried.body, json!({ "messageId": retried.id() }));
    assert_ne!(retried.id(), id);
    app.wait_for(retried.id(), StepKind::Delivered).await;
    let request = app.receiver.next().await;
    assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"body"[..]));
    assert_eq!((request.header("content-type"), request.header("x-shop")), ("text/plain", "a"));
    assert_eq!(request.header("upstash-message-id"), retried.id().to_string());
    assert_eq!(app.states(retried.id()).await, "CREATED ACTIVE DELIVERED");

    assert_eq!(app.get("/v2/dlq").await.body, json!({ "messages": [] }));
    assert_eq!(app.post(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.message(id).await["state"], "FAILED");
}

#[tokio::test]
async fn options_of_the_retry_replace_those_of_the_message() {
    let app = TestApp::start().await;
    let old = [("Upstash-Timeout", "10s"), ("Upstash-Label", "old"), ("Upstash-Method", "PUT")];
    let (_, letter) = fail(&app, &[&old[..], &[("Upstash-Forward-X-Shop", "old")]].concat()).await;
    let path = format!("/v2/dlq/retry/{}?upstash-label=new", letter["dlqId"].as_str().expect("an id"));
    let request = app.request(Method::POST, &path);
    let request = request.header("Upstash-Retries", "4").header("Upstash-Delay", "1h").header("Upstash-Method", "GET");
    let retried = answered(request.header("Upstash-Forward-X-Shop", "new")).await;

    let message = app.message(retried.id()).await;
    assert_eq!((&message["maxRetries"], &message["labels"]), (&json!(4), &json!(["new"])));
    assert_eq!((&message["timeout"], &message["method"]), (&json!(10_000), &json!("GET")));
    assert_eq!(message["header"]["X-Shop"], json!(["new"]));
    assert_eq!(message["notBefore"].as_i64().unwrap() - message["createdAt"].as_i64().unwrap(), 3_600_000);
    assert_eq!(app.states(retried.id()).await, "CREATED");
}

#[tokio::test]
async fn invalid_retry_keeps_the_dead_letter() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let answer = answered(app.request(Method::POST, &path).header("Upstash-Retries", "many")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.error().starts_with("Upstash-Retries: "));
    assert_eq!(app.get("/v2/dlq").await.body["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(app.database.count("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn concurrent_retries_of_a_dead_letter_create_one_message() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let path = format!("/v2/dlq/retry/{}", letter["dlqId"].as_str().expect("an id"));

    let (one, other) = tokio::join!(app.post(&path), app.post(&path));
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::NOT_FOUND]);
    assert_eq!(app.database.count("select count(*) from messages").await, 2);
}

#[tokio::test]
async fn unknown_dead_letter_is_not_found() {
    let app = TestApp::start().await;
    let (_, letter) = fail(&app, &[]).await;
    let (at, seq) = letter["dlqId"].as_str().and_then(|id| id.split_once('-')).expect("<ms>-<seq>");
    for id in [format!("{at}-99"), format!("1-{seq}"), "1".into(), "x-y".into(), "1-99999999999999999999".into()] {
        assert_eq!(app.get(&format!("/v2/dlq/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
        assert_eq!(app.post(&format!("/v2/dlq/retry/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert_eq!(app.database.count("select count(*) from dead_letters").await, 1);
}

#[tokio::test]
async fn dead_letters_are_paged_newest_first() {
    let app = TestApp::start().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, json!(fail(&app, &[]).await.0));
    }
    for path in ["/v2/dlq", "/v2/dlq/"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("{path}?count=2&cursor={cursor}")).await.body;
            seen.extend(page["messages"].as_array().expect("a page").iter().map(|letter| letter["messageId"].clone()));
            match page.get("cursor") {
                Some(next) => cursor = next.as_str().expect("a text").to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn misspelled_filter_is_rejected() {
    let app = TestApp::start().await;
    for query in ["labeel=a", "count=0", "count=101", "cursor=x", "responseStatus=x"] {
        let answer = app.get(&format!("/v2/dlq?{query}")).await;
        let (name, _) = query.split_once('=').expect("a pair");
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.error().starts_with(&format!("{name}: ")), "{}", answer.error());
    }
}

/// Creates three dead letters and returns their dlq IDs, oldest first: to `/a` with label a, to `/b` with labels a
/// and b, to `/c` with response status 418.
async fn three(app: &TestApp) -> Vec<String> {
    let mut ids = Vec::new();
    for (path, labels, status) in [("/a", "a", 500), ("/b", "a,b", 500), ("/c", "c", 418)] {
        app.receiver.answers([Answer::status(status)]);
        let headers = [("Upstash-Label", labels), ("Upstash-Retries", "0")];
        let id = app.publish(&app.receiver.url(path), &headers, path).await.id();
        app.wait_for(id, StepKind::Failed).await;
        let page = app.get(&format!("/v2/dlq?messageId={id}")).await.body;
        ids.push(page["messages"][0]["dlqId"].as_str().expect("an id").to_owned());
    }
    app.receiver.all_so_far().await;
    ids
}

/// Returns the destination paths on a page, in order.
async fn paths(app: &TestApp, query: &str) -> String {
    let page = app.get(&format!("/v2/dlq{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query}: {page:?}");
    let letters = page.body["messages"].as_array().expect("messages");
    letters.iter().map(|letter| letter["url"].as_str().expect("a url").rsplit('/').next().unwrap()).collect()
}

/// Wire reference, section 10: rows 7 and 18.
#[tokio::test]
async fn dead_letters_are_filtered_newest_first() {
    let app = TestApp::start().await;
    let ids = three(&app).await;
    app.database.execute("update messages set topic_name = 'group' where url like '%/a'").await;
    app.database.execute("update messages set schedule_id = 'daily' where url like '%/b'").await;
    let (first_ms, _) = ids[0].split_once('-').expect("<ms>-<seq>");
    for (query, expected) in [
        (String::new(), "cba"),
        ("?order=latestFirst".to_owned(), "cba"),
        ("?order=earliestFirst".to_owned(), "abc"),
        ("?label=a".to_owned(), "ba"),
        ("?label=a&label=c".to_owned(), "cba"),
        ("?label=b,c".to_owned(), "cb"),
        (format!("?url={}", app.receiver.url("/b")), "b"),
        (format!("?url={},{}&order=earliestFirst", app.receiver.url("/b"), app.receiver.url("/c")), "bc"),
        ("?topicName=group".to_owned(), "a"),
        ("?scheduleId=daily&label=b".to_owned(), "b"),
        ("?scheduleId=daily&label=c".to_owned(), ""),
        ("?queueName=none".to_owned(), ""),
        ("?flowControlKey=none".to_owned(), ""),
        ("?callerIp=127.0.0.1".to_owned(), "cba"),
        ("?callerIP=127.0.0.2".to_owned(), ""),
        ("?responseStatus=418".to_owned(), "c"),
        ("?responseStatus=418,500&label=a".to_owned(), "ba"),
        ("?responseStatus=999".to_owned(), ""),
        ("?messageId=msg_7YoJxFpwk".to_owned(), ""),
        (format!("?toDate={first_ms}"), "a"),
        (format!("?fromDate={first_ms}"), "cba"),
        ("?toDate=1".to_owned(), ""),
        (format!("?dlqIds={},{}&label=none", ids[0], ids[2]), "ca"),
        (format!("?dlqIds={}&dlqIds=1-1", ids[1]), "b"),
    ] {
        assert_eq!(paths(&app, &query).await, expected, "{query}");
    }
    for order in ["latestFirst", "earliestFirst"] {
        let first = app.get(&format!("/v2/dlq?count=2&order={order}")).await.body;
        let cursor = first["cursor"].as_str().expect("a cursor");
        let rest = app.get(&format!("/v2/dlq?count=2&order={order}&cursor={cursor}")).await.body;
        assert_eq!((rest["messages"].as_array().map(Vec::len), rest.get("cursor")), (Some(1), None));
        assert_ne!(first["messages"][1], rest["messages"][0]);
    }
}

/// Wire reference, section 10: row 17; section 0: trap 8.
#[tokio::test]
async fn unknown_and_invalid_parameters_are_rejected_by_every_method() {
    let app = TestApp::start().await;
    let ids = three(&app).await;
    let one = format!("/v2/dlq/{}", ids[0]);
    let retry = format!("/v2/dlq/retry/{}", ids[0]);
    for query in ["labeel=a", "host=127.0.0.1", "path=/a"] {
        for (method, path) in [
            (Method::GET, "/v2/dlq"),
            (Method::GET, &*one),
            (Method::DELETE, "/v2/dlq"),
            (Method::DELETE, &*one),
            (Method::POST, "/v2/dlq/retry"),
            (Method::POST, &*retry),
        ] {
            let answer = answered(app.request(method.clone(), &format!("{path}?{query}"))).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path} {query}");
            assert!(answer.error().contains("unknown parameter"), "{}", answer.error());
        }
    }
    for query in ["count=0", "count=101", "label=", "responseStatus=x", "fromDate=x", "order=x", "cursor=x"] {
        assert_eq!(app.delete(&format!("/v2/dlq?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(paths(&app, "").await, "cba");
}

/// Wire reference, section 10: rows 10, 12 and 15; section 0: traps 6 and 25.
#[tokio::test]
async fn dead_letters_are_deleted_singly_and_in_bulk() {
    let app = TestApp::start().await;
    let ids = three(&app).await;
    let one = format!("/v2/dlq/{}", ids[0]);
    assert_eq!(app.delete(&one).await.status, StatusCode::OK);
    assert_eq!(app.delete(&one).await.status, StatusCode::NOT_FOUND);
    let (_, seq) = ids[1].split_once('-').expect("<ms>-<seq>");
    assert_eq!(app.delete(&format!("/v2/dlq/1-{seq}")).await.status, StatusCode::NOT_FOUND);

    let body = |ids: &[&str]| app.request(Method::DELETE, "/v2/dlq").json(&json!({ "dlqIds": ids }));
    let gone = answered(body(&[&ids[0], "no id"])).await;
    assert_eq!((gone.status, gone.body), (StatusCode::OK, json!({ "deleted": 0 })));
    assert_eq!(answered(body(&[])).await.body, json!({ "deleted": 0 }));
    assert_eq!(answered(body(&[&ids[0], &ids[1]])).await.body, json!({ "deleted": 1 }));

    let more = three(&app).await;
    let first = app.delete("/v2/dlq?count=3").await.body;
    assert_eq!((&first["deleted"], first["cursor"].as_str()), (&json!(3), Some(&*more[0])));
    assert_eq!(app.delete(&format!("/v2/dlq?cursor={}", more[0])).await.body, json!({ "deleted": 1 }));
    assert_eq!(app.delete("/v2/dlq").await.body, json!({ "deleted": 0 }));
    assert_eq!(app.database.count("select count(*) from message_states where state = 'failed'").await, 6);
}

/// Wire reference, section 10: rows 13, 14, 16 and 20.
#[tokio::test]
async fn bulk_retry_uses_the_options_of_the_request() {
    let app = TestApp::start().await;
    let ids = three(&app).await;
    let retry = |query: &str| app.request(Method::POST, &format!("/v2/dlq/retry{query}"));

    let behind_the_oldest = answered(retry(&format!("?cursor={}", ids[0]))).await;
    assert_eq!((behind_the_oldest.status, behind_the_oldest.body), (StatusCode::CREATED, json!({ "responses": [] })));
    let none = answered(retry("?label=none")).await;
    assert_eq!((none.status, none.body), (StatusCode::CREATED, json!({ "responses": [] })));
    assert_eq!(answered(retry("?dlqIds=")).await.body, json!({ "responses": [] }));
    assert_eq!(answered(retry("?dlqIds=1-1")).await.status, StatusCode::NOT_FOUND);

    let found = answered(retry("?upstash-label=new").json(&json!({ "dlqIds": [ids[0], "1-1"] }))).await;
    assert_eq!((found.status, found.body.get("cursor")), (StatusCode::CREATED, None));
    let [new] = &found.body["responses"].as_array().expect("responses")[..] else { panic!("{found:?}") };
    let new: MessageId = serde_json::from_value(new["messageId"].clone()).expect("an id");
    app.wait_for(new, StepKind::Delivered).await;
    assert_eq!(app.message(new).await["labels"], json!(["new"]));
    assert_eq!(&app.receiver.next().await.body[..], b"/a");

    let counted = answered(retry("?count=1")).await;
    assert_eq!(counted.body["responses"].as_array().map(Vec::len), Some(1));
    assert_eq!(counted.body["cursor"].as_str(), Some(&*ids[2]));
    let rest = answered(retry("?responseStatus=500").header("Upstash-Delay", "1h")).await;
    assert_eq!(rest.body["responses"].as_array().map(Vec::len), Some(1));
    assert_eq!(app.get("/v2/dlq").await.body, json!({ "messages": [] }));
}

/// The time of a dead letter is rounded to the millisecond, the end of its message is not.
#[tokio::test]
async fn pages_are_complete_when_all_failed_in_one_millisecond() {
    let app = TestApp::start().await;
    for microseconds in ["000400", "000600"] {
        app.database
            .execute(&format!(
                "with failed as (
                     insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, created_at, finished_at)
                     select gen_random_uuid(), 'failed', '', 'POST', '{{}}', '', 0, '{{of {microseconds}}}', now(),
                            now() - interval '1 hour',
                            date_trunc('milliseconds', now()) - interval '1 second' + interval '0.{microseconds} seconds'
                     from generate_series(1, 5) returning id, finished_at
                 )
                 insert into dead_letters (message_id, failed_at) select id, finished_at from failed"
            ))
            .await;
        for order in ["earliestFirst", "latestFirst"] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            while found.len() < 5 {
                let path = format!("/v2/dlq?label=of%20{microseconds}&order={order}&count=2{cursor}");
                let page = app.get(&path).await.body;
                found.extend(
                    page["messages"].as_array().expect("a list").iter().map(|letter| letter["dlqId"].to_string()),
                );
                let Some(next) = page["cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            found.sort();
            found.dedup();
            assert_eq!(found.len(), 5, "{microseconds} {order}");
        }
    }
}
