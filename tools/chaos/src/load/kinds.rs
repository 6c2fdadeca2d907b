//! Kinds of messages, with the rate and the expected final state of each.

use rand::RngExt;
use rand::rngs::StdRng;
use reqwest::Method;
use serde_json::{Value, json};

use super::publisher::Request;
use crate::invariants::{KIND_CALLBACK, KIND_DEDUPLICATED, KIND_FAILURE_CALLBACK};
use crate::limits::{QUEUES, Queue, flow_control_value};

pub(super) const CANCELLED: &str = "cancelled";

pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) per_second: f64,
    /// Number of workers: more than one if a slow response must not stop the load.
    pub(super) workers: u64,
    pub(super) request: fn(&str, u64, &mut StdRng) -> Request,
}

const fn kind(name: &'static str, per_second: f64, request: fn(&str, u64, &mut StdRng) -> Request) -> Kind {
    Kind { name, per_second, workers: 1, request }
}

pub(super) const KINDS: [Kind; 16] = [
    Kind { workers: 8, ..kind("plain", 8.0, plain) },
    kind("retried", 1.0, retried),
    kind("dead", 0.5, dead),
    kind("broken", 0.7, broken),
    kind("hanging", 0.2, hanging),
    kind("delayed", 1.5, delayed),
    kind("queue-a", 2.0, queue_a),
    kind("queue-b", 2.0, queue_b),
    kind("queue-wide", 3.0, queue_wide),
    kind("rate", 2.0, rate),
    kind("parallel", 3.0, parallel),
    kind("limited", 1.5, limited),
    kind("reported", 1.5, reported),
    kind("batch", 0.4, batch),
    kind(KIND_DEDUPLICATED, 1.0, deduplicated),
    Kind { workers: 4, ..kind(CANCELLED, 1.0, cancelled) },
];

/// Schedules: ID, cron expression with seconds, period in seconds, catch-up.
pub(super) const SCHEDULES: [(&str, &str, i64, &str); 4] = [
    ("all-2", "*/2 * * * * *", 2, "all"),
    ("all-3", "*/3 * * * * *", 3, "all"),
    ("last-3", "*/3 * * * * *", 3, "last"),
    ("none-4", "*/4 * * * * *", 4, "none"),
];

/// Period in seconds of a schedule.
pub(crate) fn period_of(id: &str) -> i64 {
    SCHEDULES.iter().find(|(known, ..)| *known == id).map_or(1, |(_, _, period, _)| *period)
}

/// The queues and schedules of a round.
pub(super) fn setup(sink: &str) -> Vec<Request> {
    let queue = |queue: &Queue| {
        let body = json!({"queueName": queue.name, "parallelism": queue.parallelism});
        request("setup", "/v2/queues".to_owned(), &[]).with_body(&body)
    };
    let mut requests: Vec<Request> = QUEUES.iter().map(queue).collect();
    for (id, cron, _, catch_up) in SCHEDULES {
        let url = url(sink, "schedule", 0, "200.0", "delivered");
        let headers =
            [("Upstash-Schedule-Id", id), ("Upstash-Sigpost-Cron", cron), ("Upstash-Sigpost-Catch-Up", catch_up)];
        requests.push(request("setup", format!("/v2/schedules/{url}"), &headers));
    }
    requests
}

pub(super) fn pause(schedule: &str) -> Request {
    request("setup", format!("/v2/schedules/{schedule}/pause"), &[])
}

pub(super) fn cancellation(id: &str) -> Request {
    let cancel = request("cancellation", format!("/v2/messages/{id}"), &[]);
    Request { method: Method::DELETE, cancels: Some(id.to_owned()), ..cancel }
}

fn url(sink: &str, kind: &str, number: u64, responses: &str, wanted: &str) -> String {
    format!("{sink}/{kind}/{number}?responses={responses}&wanted={wanted}")
}

fn request(kind: &'static str, path: String, headers: &[(&'static str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Request { kind, method: Method::POST, path, headers, body: "{}".to_owned(), cancels: None }
}

impl Request {
    fn with_body(self, body: &Value) -> Self {
        Self { body: body.to_string(), ..self }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Publish whose message must be delivered.
fn publish(kind: &'static str, sink: &str, number: u64, responses: &str) -> Request {
    request(kind, format!("/v2/publish/{}", url(sink, kind, number, responses, "delivered")), &[])
}

fn enqueue(kind: &'static str, queue: &str, sink: &str, number: u64, responses: &str) -> Request {
    request(kind, format!("/v2/enqueue/{queue}/{}", url(sink, kind, number, responses, "delivered")), &[])
}

fn one_of<'a>(random: &mut StdRng, options: &[&'a str]) -> &'a str {
    options[random.random_range(0..options.len())]
}

fn plain(sink: &str, number: u64, random: &mut StdRng) -> Request {
    publish("plain", sink, number, one_of(random, &["200.0", "200.0", "200.5", "200.30", "200.200"]))
}

fn retried(sink: &str, number: u64, random: &mut StdRng) -> Request {
    let responses = one_of(random, &["500.0,200.0", "500.0,503.0,200.0"]);
    let retried = publish("retried", sink, number, responses);
    retried.with("Upstash-Retries", "3").with("Upstash-Retry-Delay", "500")
}

fn dead(sink: &str, number: u64, random: &mut StdRng) -> Request {
    let responses = one_of(random, &["489.0", "500.0"]);
    let path = format!("/v2/publish/{}", url(sink, "dead", number, responses, "failed"));
    request("dead", path, &[("Upstash-Retries", "1"), ("Upstash-Retry-Delay", "300")])
}

fn broken(sink: &str, number: u64, random: &mut StdRng) -> Request {
    let responses = one_of(random, &["close.0,200.0", "half.0,200.0"]);
    publish("broken", sink, number, responses).with("Upstash-Retries", "3").with("Upstash-Retry-Delay", "300")
}

fn hanging(sink: &str, number: u64, _: &mut StdRng) -> Request {
    let path = format!("/v2/publish/{}", url(sink, "hanging", number, "hang", "failed"));
    request("hanging", path, &[("Upstash-Retries", "0"), ("Upstash-Timeout", "2s")])
}

fn delayed(sink: &str, number: u64, random: &mut StdRng) -> Request {
    let delay = format!("{}s", random.random_range(1..=6));
    publish("delayed", sink, number, "200.0").with("Upstash-Delay", delay)
}

fn queue_a(sink: &str, number: u64, random: &mut StdRng) -> Request {
    queued("queue-a", "a", sink, number, random)
}

fn queue_b(sink: &str, number: u64, random: &mut StdRng) -> Request {
    queued("queue-b", "b", sink, number, random)
}

/// In a queue with parallelism 1: every seventh message is retried, every fifth has a callback, which blocks the queue.
fn queued(kind: &'static str, queue: &str, sink: &str, number: u64, random: &mut StdRng) -> Request {
    let responses = match number % 7 {
        0 => "500.20,200.20",
        _ => one_of(random, &["200.5", "200.20", "200.80"]),
    };
    let request = enqueue(kind, queue, sink, number, responses);
    let request = request.with("Upstash-Retries", "5").with("Upstash-Retry-Delay", "200");
    match number % 5 {
        0 => request.with("Upstash-Callback", url(sink, KIND_CALLBACK, number, "200.30", "delivered")),
        _ => request,
    }
}

fn queue_wide(sink: &str, number: u64, _: &mut StdRng) -> Request {
    enqueue("queue-wide", "wide", sink, number, "200.250")
}

fn rate(sink: &str, number: u64, _: &mut StdRng) -> Request {
    let rate = publish("rate", sink, number, "200.0");
    rate.with("Upstash-Flow-Control-Key", "rate").with("Upstash-Flow-Control-Value", flow_control_value("rate"))
}

fn parallel(sink: &str, number: u64, _: &mut StdRng) -> Request {
    let parallel = publish("parallel", sink, number, "200.200");
    parallel
        .with("Upstash-Flow-Control-Key", "parallel")
        .with("Upstash-Flow-Control-Value", flow_control_value("parallel"))
}

/// With a queue and two flow-control keys.
fn limited(sink: &str, number: u64, _: &mut StdRng) -> Request {
    enqueue("limited", "limited", sink, number, "200.30")
        .with("Upstash-Flow-Control-Key", "both")
        .with("Upstash-Flow-Control-Value", flow_control_value("both"))
        .with("Upstash-Sigpost-Flow-Control-Key-2", "second")
        .with("Upstash-Sigpost-Flow-Control-Value-2", flow_control_value("second"))
}

/// With a callback and a failure callback.
fn reported(sink: &str, number: u64, random: &mut StdRng) -> Request {
    let (responses, wanted) = [
        ("200.0", "delivered"),
        ("500.0,200.0", "delivered"),
        ("close.0,201.0", "delivered"),
        ("489.0", "failed"),
        ("500.0,502.0,503.0", "failed"),
    ][random.random_range(0..5)];
    request("reported", format!("/v2/publish/{}", url(sink, "reported", number, responses, wanted)), &[])
        .with("Upstash-Retries", "2")
        .with("Upstash-Retry-Delay", "300")
        .with("Upstash-Callback", url(sink, KIND_CALLBACK, number, "200.0", "delivered"))
        .with("Upstash-Failure-Callback", url(sink, KIND_FAILURE_CALLBACK, number, "200.0", "delivered"))
}

fn batch(sink: &str, number: u64, _: &mut StdRng) -> Request {
    let item =
        |item: u64| json!({"destination": url(sink, "batch", number * 8 + item, "200.0", "delivered"), "body": "x"});
    let items: Value = (0..8).map(item).collect();
    request("batch", "/v2/batch".to_owned(), &[]).with_body(&items)
}

/// Published twice concurrently.
fn deduplicated(sink: &str, number: u64, _: &mut StdRng) -> Request {
    publish(KIND_DEDUPLICATED, sink, number, "200.0").with("Upstash-Deduplication-Id", format!("id-{number}"))
}

/// Cancelled while scheduled, while in flight, or after its end.
fn cancelled(sink: &str, number: u64, _: &mut StdRng) -> Request {
    let path = format!("/v2/publish/{}", url(sink, CANCELLED, number, "200.1500", "any"));
    request(CANCELLED, path, &[("Upstash-Delay", if number.is_multiple_of(2) { "1s" } else { "0s" })])
}
