//! Query parameters and names in paths.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::stored::{everything, start_with_one_of_each};
use crate::support::answered;

const DATES: &[(&str, &str)] = &[
    ("fromDate", "yesterday"),
    ("fromDate", "-1"),
    ("toDate", "1.5"),
    ("toDate", "8640000000000001"),
    ("toDate", "99999999999999999999"),
];
/// Values that cannot be stored: invalid UTF-8, and a zero byte.
const NO_TEXT: &[(&str, &str)] = &[
    ("label", "%ff"),
    ("label", "a%00b"),
    ("url", "http://a.example/%00"),
    ("queueName", "%c3%28"),
    ("callerIP", "%00"),
];
const COUNTS: &[(&str, &str)] =
    &[("count", "0"), ("count", "-1"), ("count", "many"), ("count", "99999999999999999999")];
const CURSORS: &[(&str, &str)] =
    &[("cursor", "x"), ("cursor", "1-x"), ("cursor", "-1-1"), ("cursor", "9223372036854775807-1"), ("cursor", "%00")];
/// Filters of the log only: elsewhere an ignored filter would match every row.
const UNKNOWN: &[(&str, &str)] = &[("labeel", "a"), ("labeel", ""), ("state", "FAILED"), ("Label", "a")];
const EMPTY: &[(&str, &str)] = &[("label", ""), ("url", ","), ("fromDate", ""), ("topicName", "%20")];

#[tokio::test]
async fn invalid_parameter_is_rejected_by_name_and_nothing_changes() {
    let app = start_with_one_of_each().await;
    let of_log = [("state", "DONE"), ("order", "newest"), ("count", "1001")];
    let of_dlq = [
        ("order", "newest"),
        ("responseStatus", "ok"),
        ("responseStatus", "99999999999"),
        ("count", "101"),
        ("host", "a.example"),
        ("path", "/a"),
        ("dlqIds", "%00"),
    ];
    let of_cancel = [("count", "501"), ("order", "latestFirst"), ("cursoor", "1"), ("messageIds", "%ff")];
    let of_hosts = [("host", "%00"), ("path", "%ff")];
    let pin = [
        ("parallelism", "0"),
        ("parallelism", "1.5"),
        ("rate", "-1"),
        ("rate", "x"),
        ("rate", "2147483648"),
        ("rate", "%00"),
        ("paralellism", "1"),
    ];
    let log = [&of_log[..], &of_hosts, DATES, NO_TEXT, COUNTS, CURSORS].concat();
    let dlq = [&of_dlq[..], DATES, NO_TEXT, COUNTS, CURSORS, UNKNOWN, EMPTY].concat();
    let cancel = [&of_cancel[..], &of_hosts, DATES, NO_TEXT, COUNTS, UNKNOWN, EMPTY].concat();
    let options = [("upstash-retries", "many"), ("upstash-label", "%00"), ("upstash-delay", "5x"), ("retries", "1")];

    let before = everything(&app).await;
    for (method, path, parameters) in [
        (Method::GET, "/v2/events", &log[..]),
        (Method::GET, "/v2/logs", &log),
        (Method::GET, "/v2/dlq", &dlq),
        (Method::DELETE, "/v2/dlq", &dlq),
        (Method::POST, "/v2/dlq/retry", &dlq),
        (Method::POST, "/v2/dlq/retry", &options),
        (Method::POST, "/v2/dlq/retry/1-1", &options),
        (Method::GET, "/v2/dlq/1-1", UNKNOWN),
        (Method::DELETE, "/v2/dlq/1-1", UNKNOWN),
        (Method::DELETE, "/v2/messages", &cancel),
        (Method::GET, "/v2/flowControl", &[("search", "%00"), ("search", "%ff"), ("serach", "k")]),
        (Method::POST, "/v2/flowControl/k/pin", &pin),
        (Method::POST, "/v2/flowControl/k/pin?rate=1", &[("period", "0"), ("period", "soon"), ("period", "8d")]),
        (Method::POST, "/v2/flowControl/k/pin?parallelism=1", &[("period", "5")]),
        (Method::POST, "/v2/flowControl/k/unpin", &[("rate", "perhaps"), ("parallelism", "1"), ("period", "1")]),
    ] {
        for (name, value) in parameters {
            let joint = if path.contains('?') { '&' } else { '?' };
            let request = format!("{path}{joint}{name}={value}");
            let answer = answered(app.request(method.clone(), &request)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {request}: {answer:?}");
            let named = answer.error().to_lowercase().starts_with(&format!("{}: ", name.to_lowercase()));
            assert!(named, "{method} {request}: {}", answer.error());
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn invalid_name_in_a_path_is_rejected() {
    let app = start_with_one_of_each().await;
    let long = "x".repeat(257);
    let before = everything(&app).await;
    let no_text = ["%00", "%ff", "a%0Ab"];
    let no_name = ["a%20b", "a%2Fb", "%C3%BC", "a:b", &long];
    for (method, path, names) in [
        (Method::GET, "/v2/queues/{}", &no_name[..]),
        (Method::DELETE, "/v2/queues/{}", &no_name),
        (Method::POST, "/v2/queues/{}/pause", &no_name),
        (Method::POST, "/v2/queues/{}/resume", &no_name),
        (Method::POST, "/v2/enqueue/{}/https://example.com", &no_name),
        (Method::GET, "/v2/topics/{}", &no_name),
        (Method::PATCH, "/v2/topics/{}", &no_name),
        (Method::DELETE, "/v2/topics/{}", &no_name),
        (Method::POST, "/v2/topics/{}/endpoints", &no_name),
        (Method::DELETE, "/v2/topics/{}/endpoints", &no_name),
        (Method::GET, "/v2/flowControl/{}", &[&long]),
        (Method::POST, "/v2/flowControl/{}/pause", &[&long]),
        (Method::POST, "/v2/flowControl/{}/resume", &[&long]),
        (Method::POST, "/v2/flowControl/{}/pin?rate=1", &[&long]),
        (Method::POST, "/v2/flowControl/{}/unpin", &[&long]),
        (Method::POST, "/v2/flowControl/{}/resetRate", &[&long]),
    ] {
        for name in names.iter().chain(&no_text) {
            let path = path.replace("{}", name);
            let answer = answered(app.request(method.clone(), &path)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path:.80}: {answer:?}");
            let named = ["queueName: ", "urlGroupName: ", "flowControlKey: ", "path: "]
                .iter()
                .any(|field| answer.error().starts_with(field));
            assert!(named, "{method} {path:.80}: {}", answer.error());
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test]
async fn invalid_id_is_not_found() {
    let app = start_with_one_of_each().await;
    let long = "x".repeat(5000);
    let before = everything(&app).await;
    for (method, path) in [
        (Method::GET, "/v2/messages/{}"),
        (Method::DELETE, "/v2/messages/{}"),
        (Method::POST, "/v2/messages/{}/retry"),
        (Method::GET, "/v2/dlq/{}"),
        (Method::DELETE, "/v2/dlq/{}"),
        (Method::POST, "/v2/dlq/retry/{}"),
        (Method::GET, "/v2/schedules/{}"),
        (Method::DELETE, "/v2/schedules/{}"),
        (Method::PATCH, "/v2/schedules/{}/pause"),
        (Method::PUT, "/v2/schedules/{}/resume"),
    ] {
        for id in
            ["1", "%00", "%ff", "a%20b", "%C3%BC", "msg_", "1-99999999999999999999", "9223372036854775807-1", &long]
        {
            let path = path.replace("{}", id);
            let answer = answered(app.request(method.clone(), &path)).await;
            // A path that is not valid UTF-8 gets 400.
            let is_text = !answer.error().starts_with("path: ");
            let rejected = if is_text { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
            assert_eq!(answer.status, rejected, "{method} {path:.80}: {answer:?}");
        }
    }
    for (method, path, none) in [
        (Method::GET, "/v2/dlq", json!({ "messages": [] })),
        (Method::DELETE, "/v2/dlq", json!({ "deleted": 0 })),
        (Method::DELETE, "/v2/messages", json!({ "cancelled": 0 })),
    ] {
        let path =
            format!("{path}?{}=1,9223372036854775807-1", if path.ends_with('q') { "dlqIds" } else { "messageIds" });
        let answer = answered(app.request(method.clone(), &path)).await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, none), "{method} {path}");
    }
    assert_eq!(everything(&app).await, before);
}
