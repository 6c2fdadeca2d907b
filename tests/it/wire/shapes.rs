//! One message in each object of the API, with the field names on which sources and SDKs disagree.

use dispatch::dispatcher::StepKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, TestApp, answered};

/// The same request, published and scheduled.
struct Shown {
    message: Value,
    dead_letter: Value,
    schedule: Value,
    event: Value,
}

impl Shown {
    /// Publishes a message that fails, and creates a schedule for it.
    async fn with(app: &TestApp, headers: &[(&str, &str)]) -> Self {
        app.receiver.otherwise(Answer::status(500));
        let id = app.publish_here(&[headers, &[("Upstash-Retries", "0")]].concat(), "").await.id();
        app.wait_for(id, StepKind::Failed).await;
        let mut request = app.request(Method::POST, "/v2/schedules/https://example.com");
        for (name, value) in headers.iter().chain(&[("Upstash-Cron", "1 1 1 1 *")]) {
            request = request.header(*name, *value);
        }
        let created = answered(request).await;
        assert_eq!(created.status, StatusCode::OK, "{created:?}");
        let schedule = created.body["scheduleId"].as_str().expect("an id");
        Self {
            message: app.message(id).await,
            dead_letter: app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone(),
            schedule: app.get(&format!("/v2/schedules/{schedule}")).await.body,
            event: app.event(id, "CREATED").await,
        }
    }

    /// Returns all objects with their names.
    fn all(&self) -> [(&'static str, &Value); 4] {
        [
            ("the message", &self.message),
            ("the dead letter", &self.dead_letter),
            ("the schedule", &self.schedule),
            ("the event", &self.event),
        ]
    }
}

/// Wire reference, section 10: rows 5, 7 and 8; section 0: traps 17, 18 and 20.
#[tokio::test]
async fn objects_have_every_field_name_that_sdks_read() {
    let app = TestApp::start().await;
    let reports = Receiver::start().await;
    let (each, last) = (reports.url("/each"), reports.url("/last"));
    let headers = [
        ("Upstash-Retry-Delay", "1000 * retried"),
        ("Upstash-Label", "first, second"),
        ("Upstash-Callback", &*each),
        ("Upstash-Callback-Forward-X-Key", "a"),
        ("Upstash-Failure-Callback", &*last),
        ("Upstash-Failure-Callback-Forward-X-Key", "b"),
    ];
    let shown = Shown::with(&app, &headers).await;
    for (object, json) in shown.all() {
        assert_eq!((&json["callerIP"], &json["callerIp"]), (&json!("127.0.0.1"), &json!("127.0.0.1")), "{object}");
        assert_eq!((&json["label"], &json["labels"]), (&json!("first"), &json!(["first", "second"])), "{object}");
        assert_eq!(json["retryDelayExpression"], "1000 * retried", "{object}");
        let is_event = object == "the event";
        assert_eq!(json.get("retryDelayExpr").is_some(), is_event, "{object}");
        let (has, has_not) = if is_event { ("Headers", "Header") } else { ("Header", "Headers") };
        for (callback, value) in [("callback", "a"), ("failureCallback", "b")] {
            assert_eq!(json[format!("{callback}{has}")], json!({ "X-Key": [value] }), "{object}");
            assert_eq!(json.get(format!("{callback}{has_not}")), None, "{object}");
        }
    }
    assert_eq!(shown.event["retryDelayExpr"], "1000 * retried");
}

/// Wire reference, section 10: rows 42 and 43; section 0: traps 9 and 29.
#[tokio::test]
async fn period_is_always_shown_and_limits_only_if_sent() {
    let app = TestApp::start().await;
    let bounds = ["parallelism", "rate", "period", "flowControlKey"];
    for (value, expected) in [
        (Some("parallelism=2"), json!([2, null, 1, "k"])),
        (Some("rate=3"), json!([null, 3, 1, "k"])),
        (Some("rate=3, parallelism=2, period=1m"), json!([2, 3, 60, "k"])),
        (None, json!([null, null, null, null])),
    ] {
        let headers: Vec<_> = value
            .into_iter()
            .flat_map(|value| [("Upstash-Flow-Control-Key", "k"), ("Upstash-Flow-Control-Value", value)])
            .collect();
        let shown = Shown::with(&app, &headers).await;
        for (object, json) in shown.all() {
            assert_eq!(json!(bounds.map(|name| json.get(name))), expected, "{object} with {value:?}");
            assert!(bounds.iter().all(|name| json.get(name) != Some(&Value::Null)), "{object}: absent, not null");
        }
        assert_eq!(shown.schedule["retries"], 3);
        let key = app.get("/v2/flowControl/k").await.body;
        assert!(key["ratePeriod"].as_i64().is_some_and(|period| period >= 1), "{key}");
    }
}
