//! Lists that are arrays: pages that the header `Link` continues, of bounded size.

use std::fmt::Write;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, answered};

/// Returns the items of a page and the URL of the next one.
async fn page(app: &TestApp, address: &str) -> (Vec<Value>, Option<String>) {
    let response = app.request(Method::GET, address).send().await.expect("a response");
    assert_eq!(response.status(), StatusCode::OK, "{address}");
    let link = response.headers().get("link").map(|link| link.to_str().expect("ASCII").to_owned());
    let items = response.json().await.expect("an array");
    let (list, _) = address.split_once('?').expect("a query");
    let next = link.map(|link| {
        let query = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        format!("{list}{}", query.expect("a link"))
    });
    (items, next)
}

#[tokio::test]
async fn lists_have_pages_without_gaps_or_duplicates() {
    let app = TestApp::start().await;
    let names = ["a.1", "b", "c-3", "d_4", "e"];
    for name in names {
        let queue = app.request(Method::POST, "/v2/queues").json(&json!({ "queueName": name }));
        let group = app.request(Method::POST, &format!("/v2/topics/{name}/endpoints"));
        let group = group.json(&json!({ "endpoints": [{ "url": app.receiver.url("/a") }] }));
        let schedule = app.request(Method::POST, &format!("/v2/schedules/{}", app.receiver.url("/a")));
        let schedule = schedule.header("Upstash-Cron", "0 0 1 1 *").header("Upstash-Schedule-Id", name);
        let key = app.request(Method::POST, &format!("/v2/flowControl/{name}&%2F%C3%A4/pause"));
        for request in [queue, group, schedule, key] {
            assert_eq!(answered(request).await.status, StatusCode::OK);
        }
    }
    let keys = names.map(|name| format!("{name}&/ä"));
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for (list, field, expected) in [
        ("/v2/queues?count=2", "name", &names[..]),
        ("/v2/topics?count=2", "name", &names[..]),
        ("/v2/schedules?count=2", "scheduleId", &names[..]),
        ("/v2/flowControl?count=2", "flowControlKey", &keys[..]),
        ("/v2/flowControl?search=%26/%C3%A4&count=2", "flowControlKey", &keys[..]),
    ] {
        let (mut found, mut sizes, mut next) = (Vec::new(), String::new(), Some(list.to_owned()));
        while let Some(address) = next {
            let (items, link) = page(&app, &address).await;
            write!(sizes, "{} ", items.len()).expect("a text");
            found.extend(items.iter().map(|item| item[field].as_str().expect("a name").to_owned()));
            next = link;
        }
        assert_eq!(
            (found, sizes.as_str()),
            (expected.iter().map(|&name| name.to_owned()).collect(), "2 2 1 "),
            "{list}"
        );
        for query in ["count=0", "count=1001"] {
            let address = format!("{}?{query}", list.split('?').next().expect("a path"));
            assert_eq!(app.get(&address).await.status, StatusCode::BAD_REQUEST, "{address}");
        }
    }
    assert_eq!(
        app.get("/v2/schedules?cursor=a.1").await.error(),
        "cursor: must be a cursor of this endpoint, got \"a.1\""
    );
}

#[tokio::test]
async fn page_of_schedules_ends_at_eight_megabytes() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for name in ["a", "b", "c"] {
        let schedule = app.request(Method::POST, &format!("/v2/schedules/{}", app.receiver.url("/a")));
        let schedule = schedule.header("Upstash-Cron", "0 0 1 1 *").header("Upstash-Schedule-Id", name);
        assert_eq!(answered(schedule.body(vec![b'x'; 5_000_000])).await.status, StatusCode::OK);
    }
    let (first, next) = page(&app, "/v2/schedules?").await;
    let (second, end) = page(&app, &next.expect("another page")).await;
    let ids = |items: &[Value]| items.iter().map(|item| item["scheduleId"].clone()).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second), end), (vec![json!("a"), json!("b")], vec![json!("c")], None));
}

/// Existing queues and keys still work.
#[tokio::test]
async fn queue_or_key_over_the_quota_is_412() {
    let app = TestApp::start_with(|config| {
        (config.limits.max_queues, config.limits.max_flow_control_keys) = (1, 1);
    })
    .await;
    let insert = "insert into gates (id, kind, name, parallelism)
                  values ('queue:q', 'queue', 'q', 1), ('flow:k', 'flow_control', 'k', 1)";
    app.database.execute(insert).await;
    let url = app.receiver.url("/a");
    let key =
        |key: &str| vec![("Upstash-Flow-Control-Key", key.to_owned()), ("Upstash-Flow-Control-Value", "rate=1".into())];
    let publish = async |path: String, headers: Vec<(&str, String)>| {
        let request = app.request(Method::POST, &path);
        answered(headers.iter().fold(request, |request, (name, value)| request.header(*name, value))).await
    };
    let (queues, keys) =
        ("quota maxQueues exceeded, current limit: 1", "quota maxFlowControlKeys exceeded, current limit: 1");
    for (path, headers, error) in [
        (format!("/v2/enqueue/q/{url}"), key("k"), None),
        (format!("/v2/enqueue/new/{url}"), vec![], Some(queues)),
        (format!("/v2/publish/{url}"), key("new"), Some(keys)),
        (format!("/v2/enqueue/q/{url}"), key("new"), Some(keys)),
        ("/v2/flowControl/new/pause".to_owned(), vec![], Some(keys)),
        ("/v2/flowControl/k/pause".to_owned(), vec![], None),
        (format!("/v2/publish/{url}"), vec![], None),
    ] {
        let response = publish(path.clone(), headers).await;
        match error {
            None => assert_eq!(response.status, StatusCode::OK, "{path}: {response:?}"),
            Some(error) => {
                assert_eq!((response.status, response.error()), (StatusCode::PRECONDITION_FAILED, error), "{path}");
            }
        }
    }
    let made = app.request(Method::POST, "/v2/queues").json(&json!({ "queueName": "new" }));
    assert_eq!(answered(made).await.error(), queues);
    let item = |queue: &str| json!({ "destination": url, "queue": queue, "body": "" });
    let batch = answered(app.request(Method::POST, "/v2/batch").json(&json!([item("new"), item("q")]))).await;
    assert_eq!(batch.status, StatusCode::OK);
    assert_eq!(batch.body[0]["error"], queues, "{batch:?}");
    assert!(batch.body[1]["messageId"].is_string(), "{batch:?}");
}
