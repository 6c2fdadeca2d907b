//! The table of limits in docs/src/reference/limits.md: each row is accepted at its bound and rejected one beyond.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::json;
use sigpost_runtime::settings::API_RATE_LIMIT_PER_SECOND;

use crate::jobs::deployment::answer;
use crate::jobs::send_email as emails;
use crate::support::{Answered, TestApp, answered};

const PAGE: &str = include_str!("../../docs/src/reference/limits.md");

/// Returns the first and second cell of each row.
fn documented() -> BTreeMap<&'static str, &'static str> {
    let section = PAGE.split("\n## Requests\n").nth(1).expect("the section").split("\n## ").next().expect("its text");
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| limit"));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        (cells.next().expect("a name"), cells.next().expect("a bound"))
    })
    .collect()
}

/// A limit: its row in the table, and the headers of a publish with a value of a given size.
struct Limit {
    row: &'static str,
    documented: &'static str,
    bound: usize,
    /// The field or setting that the error names.
    field: &'static str,
    headers: fn(usize) -> Vec<(&'static str, String)>,
}

const ONE_PUBLISH: [Limit; 12] = [
    Limit {
        row: "label",
        documented: "256 bytes",
        bound: 256,
        field: "Upstash-Label",
        headers: |size| vec![("Upstash-Label", "l".repeat(size))],
    },
    Limit {
        row: "labels of a message",
        documented: "32",
        bound: 32,
        field: "Upstash-Label",
        headers: |size| vec![("Upstash-Label", (0..size).map(|n| n.to_string()).collect::<Vec<_>>().join(","))],
    },
    Limit {
        row: "queue name, schedule ID",
        documented: "256 bytes",
        bound: 256,
        field: "Upstash-Queue-Name",
        headers: |size| vec![("Upstash-Queue-Name", "q".repeat(size))],
    },
    Limit {
        row: "queue name, schedule ID",
        documented: "256 bytes",
        bound: 256,
        field: "Upstash-Schedule-Id",
        headers: |size| vec![("Upstash-Schedule-Id", "s".repeat(size)), ("Upstash-Cron", "0 0 1 1 *".into())],
    },
    Limit {
        row: "flow-control key",
        documented: "256 bytes",
        bound: 256,
        field: "Upstash-Flow-Control-Key",
        headers: |size| {
            vec![("Upstash-Flow-Control-Key", "k".repeat(size)), ("Upstash-Flow-Control-Value", "parallelism=1".into())]
        },
    },
    Limit {
        row: "deduplication ID",
        documented: "1,024 bytes",
        bound: 1024,
        field: "Upstash-Deduplication-Id",
        headers: |size| vec![("Upstash-Deduplication-Id", "d".repeat(size))],
    },
    Limit {
        row: "forwarded headers, names and values together",
        documented: "32,768 bytes",
        bound: 32_768,
        field: "Upstash-Forward-*",
        headers: |size| {
            let sizes = [size / 2, size - size / 2];
            let names = ["Upstash-Forward-X-1", "Upstash-Forward-X-2"];
            names.into_iter().zip(sizes).map(|(name, size)| (name, "h".repeat(size - "X-1".len()))).collect()
        },
    },
    Limit {
        row: "retry-delay expression",
        documented: "512 bytes",
        bound: 512,
        field: "Upstash-Retry-Delay",
        headers: |size| {
            let digits = 1 + (size - 1) % 2;
            vec![("Upstash-Retry-Delay", format!("{}{}", "1".repeat(digits), "+0".repeat((size - digits) / 2)))]
        },
    },
    Limit {
        row: "retries",
        documented: "100",
        bound: 100,
        field: "Upstash-Retries",
        headers: |size| vec![("Upstash-Retries", size.to_string())],
    },
    Limit {
        row: "callback URL",
        documented: "8,192 bytes",
        bound: 8192,
        field: "Upstash-Callback",
        headers: |size| vec![("Upstash-Callback", url(size))],
    },
    Limit {
        row: "priority",
        documented: "-1000 to 1000",
        bound: 1000,
        field: "Upstash-Sigpost-Priority",
        headers: |size| vec![("Upstash-Sigpost-Priority", size.to_string())],
    },
    Limit {
        row: "priority",
        documented: "-1000 to 1000",
        bound: 1000,
        field: "Upstash-Sigpost-Priority",
        headers: |size| vec![("Upstash-Sigpost-Priority", format!("-{size}"))],
    },
];

/// Returns a URL of this length.
fn url(size: usize) -> String {
    let start = "https://example.com/";
    format!("{start}{}", "u".repeat(size - start.len()))
}

/// Publishes, or creates a schedule if the headers have a cron expression.
async fn send(app: &TestApp, headers: &[(&'static str, String)]) -> Answered {
    let creates = headers.iter().any(|(name, _)| *name == "Upstash-Cron");
    let path = if creates { "/v2/schedules/https://example.com/hook" } else { "/v2/publish/https://example.com/hook" };
    let request =
        headers.iter().fold(app.request(Method::POST, path), |request, (name, value)| request.header(*name, value));
    answered(request).await
}

#[tokio::test]
async fn publish_limits_are_accepted_at_bound_and_rejected_beyond() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let table = documented();
    for Limit { row, documented, bound, field, headers } in ONE_PUBLISH {
        assert_eq!(table.get(row), Some(&documented), "docs/src/reference/limits.md: {row}");
        let accepted = send(&app, &headers(bound)).await;
        assert!(accepted.status.is_success(), "{field} of {bound}: {}", accepted.body);
        let rejected = send(&app, &headers(bound + 1)).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST, "{field} of {}: {}", bound + 1, rejected.body);
        assert!(rejected.error().starts_with(field), "{field}: {}", rejected.error());
        assert!(rejected.error().contains(&bound.to_string()), "the error names the bound: {}", rejected.error());
    }
}

#[tokio::test]
async fn limits_of_paths_bodies_and_pages_are_enforced() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let table = documented();
    let publish = async |destination: &str, body: usize| {
        let request = app.request(Method::POST, &format!("/v2/publish/{destination}"));
        answered(request.body("b".repeat(body))).await
    };
    let hook = "https://example.com/hook";
    assert_eq!(table["body"], "10,000,000 bytes (`MAX_BODY_BYTES`)");
    assert_eq!(publish(hook, 10_000_000).await.status, StatusCode::OK);
    let rejected = publish(hook, 10_000_001).await;
    assert!(rejected.status.is_client_error() && rejected.error().contains("10000000"), "{}", rejected.body);

    assert_eq!(table["destination URL"], "8,192 bytes");
    assert_eq!(publish(&url(8192), 0).await.status, StatusCode::OK);
    let rejected = publish(&url(8193), 0).await;
    assert_eq!(rejected.status, StatusCode::BAD_REQUEST);
    assert!(rejected.error().contains("8192 bytes"), "{}", rejected.error());

    assert_eq!(table["URL group name"], "256 bytes");
    let group = async |size: usize| {
        let request = app.request(Method::POST, &format!("/v2/topics/{}/endpoints", "g".repeat(size)));
        answered(request.json(&json!({ "endpoints": [{ "url": hook }] }))).await.status
    };
    assert_eq!((group(256).await, group(257).await), (StatusCode::OK, StatusCode::BAD_REQUEST));

    assert_eq!(table["queue parallelism"], "1 to 1000");
    let queue = async |parallelism: u32| {
        let request = app.request(Method::POST, "/v2/queues");
        answered(request.json(&json!({ "queueName": "q", "parallelism": parallelism }))).await.status
    };
    assert_eq!((queue(1).await, queue(1000).await), (StatusCode::OK, StatusCode::OK));
    // QStash returns 412 when a quota is exceeded.
    assert_eq!((queue(0).await, queue(1001).await), (StatusCode::BAD_REQUEST, StatusCode::PRECONDITION_FAILED));

    for (row, bounds, method, path, most) in [
        ("`count` of `GET /v2/events`", "1 to 1000", Method::GET, "/v2/events", 1000),
        ("`count` of `/v2/dlq`", "1 to 100", Method::GET, "/v2/dlq", 100),
        ("`count` of `DELETE /v2/messages`", "1 to 500", Method::DELETE, "/v2/messages", 500),
    ] {
        assert_eq!(table[row], bounds);
        let send = async |count: u32| answered(app.request(method.clone(), &format!("{path}?count={count}"))).await;
        assert_eq!((send(1).await.status, send(most).await.status), (StatusCode::OK, StatusCode::OK), "{path}");
        for beyond in [0, most + 1] {
            let rejected = send(beyond).await;
            assert_eq!(rejected.status, StatusCode::BAD_REQUEST, "{path}?count={beyond}");
            assert_eq!(rejected.error(), format!("count: must be between 1 and {most}, got \"{beyond}\""));
        }
    }
}

#[tokio::test]
async fn urls_in_emails_are_accepted_up_to_their_limit() {
    let (deployment, _resend) = emails::start().await;
    assert_eq!(documented()["URL in a field of an e-mail template"], "2,048 bytes");
    let send = async |size: usize| {
        let data = json!({ "recipientName": "Ada", "dashboardUrl": url(size) });
        let job = json!({ "template": "welcome", "to": "ada@example.com", "data": data });
        let id = sigpost_qstash::MessageId::new();
        answer(deployment.delivery_of::<sigpost_jobs::payloads::SendEmail>(id, &job.to_string())).await
    };
    let accepted = send(2048).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    let rejected = send(2049).await;
    let (status, error) = rejected.rejection();
    assert_eq!(status, 489);
    assert!(error.contains("dashboardUrl") && error.contains("2048 bytes"), "{error}");
}

/// The results beyond the limit are tested in `pages` and `tokens`.
#[test]
fn documented_numbers_equal_the_constants() {
    let (table, limits) = (documented(), sigpost_qstash::Limits::default());
    assert_eq!((table["queues"], limits.max_queues), ("10,000", 10_000));
    assert_eq!((table["flow-control keys"], limits.max_flow_control_keys), ("1,000,000", 1_000_000));
    assert!(
        table["requests that are not publishes"]
            .starts_with(&format!("{} per second", API_RATE_LIMIT_PER_SECOND.default_as::<u32>()))
    );
}

#[test]
fn every_documented_limit_is_tested() {
    let elsewhere = [
        "body",
        "destination URL",
        "URL group name",
        "queue parallelism",
        "queues",
        "flow-control keys",
        "requests that are not publishes",
        "`count` of `GET /v2/events`",
        "`count` of `/v2/dlq`",
        "`count` of `DELETE /v2/messages`",
        "URL in a field of an e-mail template",
    ];
    let tested = |row: &str| elsewhere.contains(&row) || ONE_PUBLISH.iter().any(|limit| limit.row == row);
    let untested: Vec<_> = documented().into_keys().filter(|row| !tested(row)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
