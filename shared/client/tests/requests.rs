//! The client against a server that responds as a test sets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sigpost_client::{
    AdminClient, Client, Credentials, DeadLetterFilter, Error, EventFilter, MAX_RESPONSE_BYTES, MessageFilter,
    NewMessage, NewSchedule, Pin,
};
use sigpost_qstash::admin::Health;
use sigpost_qstash::{BatchItem, Destination, Endpoint, EndpointRef, UpsertQueue};
use tokio::net::TcpListener;

const ID: &str = "msg_1111111111111111";

#[derive(Clone, Debug)]
struct Seen {
    line: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A server with one response to each request, and the requests so far.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    async fn start(answer: impl Fn(&Uri) -> Response + Clone + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let respond = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            log.lock().expect("lock").push(Seen { line: format!("{method} {uri}"), headers, body });
            let response = answer(&uri);
            async { response }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(respond)).await });
        Self { url, seen }
    }

    async fn with_body(status: StatusCode, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::start(move |_| (status, body.clone()).into_response()).await
    }

    fn api(&self) -> Client {
        Client::new(&self.url, Credentials::Token("a-token".into())).expect("a client")
    }

    fn admin(&self) -> AdminClient {
        AdminClient::new(&self.url, Credentials::Token("a-token".into())).expect("a client")
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("lock"))
    }

    fn line(&self) -> String {
        let [Seen { line, .. }] = &self.seen()[..] else { panic!("one request") };
        line.clone()
    }
}

/// Asserts the request line of each call.
macro_rules! lines {
    ($server:ident: $($call:expr => $line:expr,)+) => {$(
        let _ = $call.response().await.expect("a response");
        assert_eq!($server.line(), $line);
    )+};
}

#[tokio::test]
async fn each_call_has_its_request_line() {
    let server = Server::with_body(StatusCode::OK, "{}").await;
    let api = server.api();
    let queue = UpsertQueue { queue_name: "q".into(), parallelism: 1, paused: false };
    let pin = Pin { rate: Some(10), period: Some("1m".into()), ..Pin::default() };
    let letters = DeadLetterFilter {
        messages: MessageFilter { labels: vec!["a&b".into(), "c".into()], ..MessageFilter::default() },
        response_statuses: vec![0, 500],
        to_ms: Some(5),
        earliest_first: true,
        ..DeadLetterFilter::default()
    };
    let filtered = "label=a%26b&label=c&responseStatus=0&responseStatus=500&toDate=5&order=earliestFirst";
    let events = EventFilter { states: vec!["FAILED".into()], from_ms: Some(1), ..EventFilter::default() };
    let endpoint = Endpoint { name: None, url: Destination::parse("https://a.com").expect("a URL") };
    lines! { server:
        api.get_message(ID) => format!("GET /v2/messages/{ID}"),
        api.cancel_message(ID) => format!("DELETE /v2/messages/{ID}"),
        api.cancel_messages(&MessageFilter::default()) => "DELETE /v2/messages",
        api.cancel_messages_by_id([ID]) => "DELETE /v2/messages",
        api.retry_message(ID) => format!("POST /v2/messages/{ID}/retry"),
        api.publish_message("https://a.com/b//c?d=e", &NewMessage::json()) => "POST /v2/publish/https://a.com/b//c?d=e",
        api.enqueue_message("q", "https://a.com", &NewMessage::json()) => "POST /v2/enqueue/q/https://a.com",
        api.publish_batch(&[BatchItem::default()]) => "POST /v2/batch",
        api.list_queues().count(5) => "GET /v2/queues?count=5",
        api.get_queue("q") => "GET /v2/queues/q",
        api.upsert_queue(&queue) => "POST /v2/queues",
        api.pause_queue("q") => "POST /v2/queues/q/pause",
        api.resume_queue("q") => "POST /v2/queues/q/resume",
        api.delete_queue("q") => "DELETE /v2/queues/q",
        api.list_flow_control_keys(None) => "GET /v2/flowControl",
        api.list_flow_control_keys(Some("a b")) => "GET /v2/flowControl?search=a+b",
        api.get_flow_control_key("eu/a 1") => "GET /v2/flowControl/eu%2Fa%201",
        api.pause_flow_control_key("k") => "POST /v2/flowControl/k/pause",
        api.resume_flow_control_key("k") => "POST /v2/flowControl/k/resume",
        api.pin_flow_control_key("k", &pin) => "POST /v2/flowControl/k/pin?rate=10&period=1m",
        api.unpin_flow_control_key("k", true, false) => "POST /v2/flowControl/k/unpin?parallelism=true",
        api.reset_flow_control_rate("k") => "POST /v2/flowControl/k/resetRate",
        api.get_global_parallelism() => "GET /v2/globalParallelism",
        api.list_schedules() => "GET /v2/schedules",
        api.get_schedule("s") => "GET /v2/schedules/s",
        api.create_schedule("https://a.com", &NewSchedule::default()) => "POST /v2/schedules/https://a.com",
        api.pause_schedule("s") => "POST /v2/schedules/s/pause",
        api.resume_schedule("s") => "POST /v2/schedules/s/resume",
        api.run_schedule("s") => "POST /v2/schedules/s/run",
        api.delete_schedule("s") => "DELETE /v2/schedules/s",
        api.list_url_groups() => "GET /v2/topics",
        api.get_url_group("g") => "GET /v2/topics/g",
        api.add_endpoints("g", [endpoint]) => "POST /v2/topics/g/endpoints",
        api.remove_endpoints("g", [EndpointRef::Name("a".into())]) => "DELETE /v2/topics/g/endpoints",
        api.delete_url_group("g") => "DELETE /v2/topics/g",
        api.list_dead_letters(&letters).without_bodies().count(7) => format!("GET /v2/dlq?{filtered}&bodies=false&count=7"),
        api.get_dead_letter("1-2") => "GET /v2/dlq/1-2",
        api.delete_dead_letter("1-2") => "DELETE /v2/dlq/1-2",
        api.delete_dead_letters(&letters) => format!("DELETE /v2/dlq?{filtered}"),
        api.delete_dead_letters_by_id(["1-2"]) => "DELETE /v2/dlq",
        api.retry_dead_letter("1-2") => "POST /v2/dlq/retry/1-2",
        api.retry_dead_letters(&letters).after(Some("c d")) => format!("POST /v2/dlq/retry?{filtered}&cursor=c+d"),
        api.retry_dead_letters_by_id(["1-2"]) => "POST /v2/dlq/retry",
        api.list_events(&events) => "GET /v2/events?state=FAILED&fromDate=1",
        api.get_keys() => "GET /v2/keys",
        api.rotate_keys() => "POST /v2/keys/rotate",
        api.get_liveness() => "GET /healthz",
        api.get_readiness() => "GET /readyz",
        server.admin().get_job_health(None) => "GET /api/admin/job-health",
        server.admin().get_job_metrics(Some("1h")) => "GET /api/admin/job-metrics?window=1h",
        server.admin().get_queue_depth(Some("1h")) => "GET /api/admin/queue-depth?window=1h",
        server.admin().get_stats(None) => "GET /api/admin/stats",
        server.admin().list_active_runs() => "GET /api/admin/active",
        server.admin().list_dead_letter_groups() => "GET /api/admin/dead-letters",
        server.admin().list_schedule_states() => "GET /api/admin/schedules",
        server.admin().list_gate_states() => "GET /api/admin/throttle",
        server.admin().get_key_states() => "GET /api/admin/keys",
    }
}

#[tokio::test]
async fn message_is_sent_with_its_options_and_the_token() {
    let body = json!({ "messageId": ID, "url": "https://a.com", "deduplicated": true });
    let server = Server::with_body(StatusCode::ACCEPTED, body.to_string()).await;
    let mut message = NewMessage {
        body: "{}".into(),
        delay: Some("10s".into()),
        retries: Some(0),
        deduplication_id: Some("once".into()),
        ..NewMessage::json()
    };
    message.forward("X-Tenant", "a");
    let published = server.api().publish_message("https://a.com", &message).await.expect("published");
    assert!(published.is_duplicate());
    assert_eq!(published.messages()[0].message_id.to_string(), ID);

    let [Seen { headers, body, .. }] = &server.seen()[..] else { panic!("one request") };
    let given = [
        ("authorization", "Bearer a-token"),
        ("content-type", "application/json"),
        ("upstash-delay", "10s"),
        ("upstash-retries", "0"),
        ("upstash-deduplication-id", "once"),
        ("upstash-forward-x-tenant", "a"),
    ];
    for (name, value) in given {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(!headers.contains_key("upstash-method"));
    assert_eq!(body, "{}");
}

#[tokio::test]
async fn invalid_request_is_not_sent() {
    let server = Server::with_body(StatusCode::OK, "{}").await;
    let api = server.api();
    let mut message = NewMessage::default();
    message.forward("not a name", "a");
    let errors = [
        api.cancel_message("..").await.expect_err("a name"),
        api.publish_message("http://a/../../keys/rotate", &NewMessage::default()).await.expect_err("a path"),
        api.publish_message("https://a.com", &message).await.expect_err("a header"),
        Client::new("ftp://a.com", Credentials::None).expect_err("a scheme"),
        Client::new("http://a.com", Credentials::Token("a\nb".into())).expect_err("a token"),
    ];
    for error in &errors {
        assert!(matches!(error, Error::InvalidRequest(_)), "{error}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn pages_follow_cursors_and_links() {
    let server = Server::start(|uri| {
        let json = |value: Value| value.to_string().into_response();
        let query = uri.query().unwrap_or_default();
        match (uri.path(), query) {
            ("/v2/dlq", "count=2") => json(json!({ "deleted": 2, "cursor": "a&b" })),
            ("/v2/dlq", "count=2&cursor=a%26b") => json(json!({ "deleted": 1 })),
            ("/v2/queues", "") => ([("link", "<?search=x&cursor=2>; rel=\"next\"")], "[1, 2]").into_response(),
            ("/v2/queues", "search=x&cursor=2") => "[3]".into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    })
    .await;
    let mut pages = server.api().delete_dead_letters(&DeadLetterFilter::default()).count(2).pages();
    let mut deleted = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        deleted.push(page.deleted);
    }
    assert_eq!(deleted, [2, 1]);
    let items = server.api().list_queues().read_as::<Vec<u32>>().pages().all().await.expect("all pages");
    assert_eq!(items, [1, 2, 3]);
}

#[tokio::test]
async fn page_that_names_itself_as_the_next_one_is_an_error() {
    let server = Server::with_body(StatusCode::OK, r#"{ "deleted": 0, "cursor": "c" }"#).await;
    let mut pages = server.api().delete_dead_letters(&DeadLetterFilter::default()).pages();
    assert!(pages.next().await.expect("a page").is_some());
    assert!(pages.next().await.expect("the page after the cursor").is_some());
    let error = pages.next().await.expect_err("the same page");
    assert!(error.to_string().contains("the next page is the same page"), "{error}");
    assert!(pages.next().await.expect("the end").is_none());
}

#[tokio::test]
async fn json_of_a_response_is_unchanged() {
    let body = json!({ "current": "sig_1", "next": "sig_2", "newer": [1] });
    let server = Server::with_body(StatusCode::OK, body.to_string()).await;
    let response = server.api().get_keys().response().await.expect("a response");
    assert_eq!((response.read().expect("keys").next, response.json().expect("JSON")), ("sig_2".into(), body));
}

#[tokio::test]
async fn unhealthy_jobs_are_a_response_and_an_unavailable_database_is_an_error() {
    let report = json!({
        "stats": [], "failureRate": 1.0, "totalJobs": 1, "health": "unhealthy", "reasons": [], "windowSeconds": 60,
        "byType": [], "stuck": { "count": 0, "oldestSeconds": null, "messageIds": [] },
        "queue": { "due": 0, "scheduled": 0, "active": 0, "waiting": 0, "oldestDueSeconds": null },
        "deadLetters": { "inWindow": 0, "total": 0 }, "durations": null, "lastCompletedAt": null, "alerts": [],
    });
    let server = Server::with_body(StatusCode::SERVICE_UNAVAILABLE, report.to_string()).await;
    let health = server.admin().get_job_health(None).await.expect("a report");
    assert_eq!(health.report.health, Health::Unhealthy);

    let server = Server::with_body(StatusCode::SERVICE_UNAVAILABLE, r#"{ "error": "the database is away" }"#).await;
    let error = server.admin().get_job_health(None).await.expect_err("no report");
    assert_eq!(error.to_string(), "503 Service Unavailable: the database is away");
    assert_eq!((error.status(), error.is_temporary()), (Some(StatusCode::SERVICE_UNAVAILABLE), true));
}

#[tokio::test]
async fn response_of_another_form_or_too_large_is_invalid() {
    let server = Server::with_body(StatusCode::OK, "<html>").await;
    let error = server.api().get_keys().await.expect_err("not JSON");
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");

    let server = Server::start(|_| Body::from(vec![b' '; MAX_RESPONSE_BYTES + 1]).into_response()).await;
    let error = server.api().get_keys().await.expect_err("too large");
    assert!(matches!(&error, Error::InvalidResponse { cause, .. } if cause.contains("larger")), "{error}");
}

#[tokio::test]
async fn redirect_is_an_error_and_not_followed() {
    let server = Server::start(|_| (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()).await;
    let error = server.api().get_keys().await.expect_err("a redirect");
    assert_eq!((error.status(), server.line().as_str()), (Some(StatusCode::FOUND), "GET /v2/keys"));
}

#[tokio::test]
async fn missing_response_says_whether_the_request_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let api = Client::with_timeout(&url, Credentials::None, Duration::from_millis(50)).expect("a client");
    let error = api.get_liveness().await.expect_err("the listener does not respond");
    assert!(matches!(error, Error::Unreachable { is_sent: true, .. }), "{error}");
    drop(listener);
    let error = api.get_liveness().await.expect_err("no listener");
    assert!(matches!(error, Error::Unreachable { is_sent: false, .. }), "{error}");
    assert!(error.to_string().starts_with(&format!("no response from {url}: ")), "{error}");
}

#[test]
fn debug_output_does_not_contain_the_token() {
    let api = Client::new("http://a.com/", Credentials::Token("s3cret".into())).expect("a client");
    assert_eq!(
        format!("{api:?} {:?}", Credentials::Token("s3cret".into())),
        "Client { url: \"http://a.com\", .. } Token(..)"
    );
}
