//! JSON bodies.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::stored::{everything, start_with_one_of_each};
use crate::support::{TestApp, answered};

/// Sends each body. Each must be rejected with the field in the error.
async fn rejected(app: &TestApp, method: Method, path: &str, cases: &[(Value, &str)]) {
    let before = everything(app).await;
    for (body, field) in cases {
        let request = app.request(method.clone(), path).body(body.to_string());
        let answer = answered(request).await;
        let shown: String = body.to_string().chars().take(100).collect();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path} {shown}: {answer:?}");
        assert!(
            answer.error().to_lowercase().contains(&field.to_lowercase()),
            "{method} {path} {shown}: {}",
            answer.error()
        );
    }
    assert_eq!(everything(app).await, before, "{method} {path}");
}

/// Invalid JSON, invalid UTF-8, excessive nesting, and more than one value. The error depends on the position where
/// the parser fails.
#[tokio::test]
async fn invalid_json_is_rejected_by_every_operation() {
    let app = start_with_one_of_each().await;
    let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let deep_list = format!("[{}", "[".repeat(10_000));
    let before = everything(&app).await;
    for (method, path) in [
        (Method::POST, "/v2/queues"),
        (Method::POST, "/v2/batch"),
        (Method::POST, "/v2/topics/g/endpoints"),
        (Method::DELETE, "/v2/topics/g/endpoints"),
        (Method::PATCH, "/v2/topics/g"),
        (Method::DELETE, "/v2/messages"),
        (Method::DELETE, "/v2/dlq"),
        (Method::POST, "/v2/dlq/retry"),
    ] {
        let bodies = [
            &b"not json"[..],
            b"{",
            b"\0",
            b"\xff\xfe",
            b"[\"\xc3\"]",
            b"{} {}",
            b"[] []",
            b"\"text\"",
            b"null",
            b"7",
            b"1e999",
            b"{\"a\":\"\\ud80\"}",
            deep.as_bytes(),
            deep_list.as_bytes(),
        ];
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]);
            let answer = answered(app.request(method.clone(), path).body(body.to_vec())).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path} {shown}: {answer:?}");
            assert!(!answer.error().is_empty(), "{method} {path} {shown}");
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn invalid_queue_is_rejected_by_field() {
    let app = start_with_one_of_each().await;
    let queue = |parallelism: Value| json!({ "queueName": "q", "parallelism": parallelism });
    let cases = [
        (json!([]), "body: "),
        (json!({}), "queueName: "),
        (json!({ "queueName": null }), "queueName: "),
        (json!({ "queueName": 7 }), "queueName: "),
        (json!({ "queueName": ["q"] }), "queueName: "),
        (json!({ "queueName": "" }), "queueName: "),
        (json!({ "queueName": "a b" }), "queueName: "),
        (json!({ "queueName": "a\0" }), "queueName: "),
        (json!({ "queueName": "x".repeat(257) }), "queueName: "),
        (queue(json!(0)), "parallelism: "),
        (queue(json!(-1)), "parallelism: "),
        (queue(json!(1.5)), "parallelism: "),
        (queue(json!("1")), "parallelism: "),
        (queue(json!(-2_147_483_648_i64)), "parallelism: "),
        (queue(json!(1e300)), "parallelism: "),
        (json!({ "queueName": "q", "paused": "yes" }), "paused: "),
        (json!({ "queueName": "q", "paused": 1 }), "paused: "),
    ];
    rejected(&app, Method::POST, "/v2/queues", &cases).await;
}

#[tokio::test]
async fn invalid_endpoint_is_rejected_by_position_and_field() {
    let app = start_with_one_of_each().await;
    let one = |endpoint: Value| json!({ "endpoints": [{ "url": "https://a.example" }, endpoint] });
    let both = [
        (json!([]), "body: "),
        (json!({}), "endpoints"),
        (json!({ "endpoints": null }), "endpoints: "),
        (json!({ "endpoints": {} }), "endpoints: "),
        (json!({ "endpoints": [] }), "endpoints: "),
        (json!({ "endpoints": vec![json!({ "url": "https://a.example" }); 1001] }), "endpoints: "),
        (one(json!(7)), "endpoints[1]: "),
        (one(json!({})), "endpoints[1]"),
        (one(json!({ "url": 7 })), "endpoints[1].url: "),
        (one(json!({ "name": [] })), "endpoints[1].name: "),
    ];
    let add = [
        (one(json!({ "name": "n" })), "endpoints[1].url: "),
        (one(json!({ "url": "ftp://a.example" })), "endpoints[1].url: "),
        (one(json!({ "url": "https://a.example/\0" })), "endpoints[1].url: "),
        (one(json!({ "url": format!("https://a.example/{}", "x".repeat(8192)) })), "endpoints[1].url: "),
        (one(json!({ "url": "https://b.example", "name": "a\u{7}" })), "endpoints[1].name: "),
        (one(json!({ "url": "https://b.example", "name": "x".repeat(257) })), "endpoints[1].name: "),
    ];
    rejected(&app, Method::POST, "/v2/topics/g/endpoints", &[&both[..], &add].concat()).await;
    rejected(&app, Method::DELETE, "/v2/topics/g/endpoints", &both).await;
}

#[tokio::test]
async fn invalid_group_default_is_rejected_by_header() {
    let app = start_with_one_of_each().await;
    let headers = |name: &str, value: Value| json!({ "headers": { name: value } });
    let cases = [
        (json!([]), "body: "),
        (json!({}), "headers"),
        (json!({ "headers": [] }), "headers: "),
        (headers("X-Own", json!("1")), "headers.X-Own: "),
        (headers("Upstash-Retries", json!(3)), "headers.Upstash-Retries: "),
        (headers("Upstash-Retries", json!("many")), "Upstash-Retries: "),
        (headers("Upstash-Retries", json!(["many"])), "Upstash-Retries: "),
        (headers("Upstash-Label", json!("a\0b")), "Upstash-Label: "),
        (headers("Content-Type", json!("a\nb")), "Content-Type: "),
        (headers("Upstash-\0", json!("1")), "headers.Upstash-"),
        (headers("Upstash-a b", json!("1")), "headers.Upstash-a b: "),
        (headers("Upstash-\0", json!([])), "headers.Upstash-"),
        (headers("Upstash-Forward-(", json!("1")), "Upstash-Forward-("),
        (headers("Upstash-Callback", json!("http://10.0.0.1")), "invalid destination url"),
    ];
    rejected(&app, Method::PATCH, "/v2/topics/g", &cases).await;
}

#[tokio::test]
async fn invalid_batch_item_is_rejected_by_position_and_field() {
    let app = start_with_one_of_each().await;
    let fine = json!({ "destination": "https://a.example" });
    let no_list = [(json!({}), "body: "), (json!(7), "body: "), (json!(null), "body: ")];
    rejected(&app, Method::POST, "/v2/batch", &no_list).await;

    let with = |name: &str, value: Value| json!({ "destination": "https://a.example", "headers": { name: value } });
    let cases = [
        (json!(7), "[2]: "),
        (json!(null), "[2]: "),
        (json!([fine]), "[2]"),
        (json!({}), "[2].destination: "),
        (json!({ "destination": "" }), "[2].destination: "),
        (json!({ "destination": 7 }), "[2].destination: "),
        (json!({ "destination": "ftp://a.example" }), "invalid destination url: "),
        (json!({ "destination": "https://a.example/\0" }), "invalid destination url: "),
        (json!({ "destination": "a\0b" }), "invalid destination url: "),
        (json!({ "destination": "https://a.example", "headers": [] }), "[2].headers: "),
        (json!({ "destination": "https://a.example", "body": {} }), "[2].body: "),
        (json!({ "destination": "https://a.example", "queue": 7 }), "[2].queue: "),
        (json!({ "destination": "https://a.example", "queue": "a b" }), "[2].queue: "),
        (json!({ "destination": "https://a.example", "queue": "\0" }), "[2].queue: "),
        (with("Upstash-Retries", json!(3)), "[2].headers.Upstash-Retries: "),
        (with("Upstash-Label", json!("a\0b")), "Upstash-Label: "),
        (with("Content-Type", json!("a\0b")), "Content-Type: "),
        (with("Upstash-Forward-a b", json!("1")), "Upstash-Forward-a b: "),
        (with("Upstash-Queue-Name", json!("a b")), "Upstash-Queue-Name: "),
    ];
    let stored = "select count(*) from messages where url = 'https://a.example'";
    for (item, field) in cases {
        let before = app.database.count(stored).await;
        let answer = answered(app.request(Method::POST, "/v2/batch").json(&json!([fine, fine, item]))).await;
        assert_eq!(answer.status, StatusCode::OK, "{item}: {answer:?}");
        assert!(answer.body[0]["messageId"].is_string() && answer.body[1]["messageId"].is_string(), "{answer:?}");
        let rejection = answer.body[2]["error"].as_str().unwrap_or_else(|| panic!("no error in {answer:?}"));
        assert!(rejection.to_lowercase().starts_with(&field.to_lowercase()), "{item}: {rejection}");
        let alone = answered(app.request(Method::POST, "/v2/batch").json(&json!([item]))).await;
        assert_eq!(alone.status, StatusCode::BAD_REQUEST, "{item}: {alone:?}");
        assert!(alone.error().contains(&rejection.replace("[2]", "[0]")), "{item}: {alone:?}");
        assert_eq!(app.database.count(stored).await, before + 2, "{item}");
    }
}

#[tokio::test]
async fn filters_in_a_body_are_validated_as_in_a_query() {
    let app = start_with_one_of_each().await;
    let both = [
        (json!([]), "body: "),
        (json!({ "labeel": "a" }), "labeel: "),
        (json!({ "labeel": null }), "labeel: "),
        (json!({ "laabel": [] }), "laabel: "),
        (json!({ "label": null }), "label: "),
        (json!({ "label": {} }), "label: "),
        (json!({ "label": [["a"]] }), "label: "),
        (json!({ "label": true }), "label: "),
        (json!({ "label": "" }), "label: "),
        (json!({ "label": "a\0b" }), "label: "),
        (json!({ "url": ["http://a.example", "\0"] }), "url: "),
        (json!({ "a\0b": "1" }), "a\0b: "),
        (json!({ "count": null }), "count: "),
        (json!({ "count": 0 }), "count: "),
        (json!({ "count": 1.5 }), "count: "),
        (json!({ "count": "many" }), "count: "),
        (json!({ "fromDate": true }), "fromDate: "),
        (json!({ "toDate": -1 }), "toDate: "),
    ];
    let of_cancel = [
        (json!({ "messageIds": null }), "messageIds: "),
        (json!({ "messageIds": null, "label": "a" }), "messageIds: "),
        (json!({ "messageIds": {} }), "messageIds: "),
        (json!({ "messageIds": [{}] }), "messageIds: "),
        (json!({ "messageIds": vec!["a"; 10_001] }), "messageIds: "),
        (json!({ "count": 501 }), "count: "),
    ];
    let of_dlq = [
        (json!({ "dlqIds": null }), "dlqIds: "),
        (json!({ "dlqIds": null, "label": "a" }), "dlqIds: "),
        (json!({ "dlqIds": {} }), "dlqIds: "),
        (json!({ "dlqIds": [null] }), "dlqIds: "),
        (json!({ "dlqIds": vec!["a"; 10_001] }), "dlqIds: "),
        (json!({ "count": 101 }), "count: "),
        (json!({ "host": "a.example" }), "host: "),
        (json!({ "cursor": "x" }), "cursor: "),
        (json!({ "responseStatus": "ok" }), "responseStatus: "),
    ];
    rejected(&app, Method::DELETE, "/v2/messages", &[&both[..], &of_cancel].concat()).await;
    rejected(&app, Method::DELETE, "/v2/dlq", &[&both[..], &of_dlq].concat()).await;
    rejected(&app, Method::POST, "/v2/dlq/retry", &[&both[..], &of_dlq].concat()).await;
}
