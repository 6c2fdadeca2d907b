//! Events of the dispatch function: HTTP requests and direct invocations.

use std::borrow::Cow;

use anyhow::{Context, Result};
use jiff::Timestamp;
use lambda_http::request::LambdaRequest;
use serde::Deserialize;

/// A Lambda event.
pub(super) enum Event {
    /// A request to the function's URL.
    Http(Box<LambdaRequest>),
    /// An invocation by the deployment, never by an HTTP request.
    Direct(Direct),
}

/// Invocations by schedules, infrastructure and other environments of the deployment.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "sigpost", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Direct {
    /// Every minute: query due messages and schedules.
    Tick,
    /// From another environment whose capacity is used up.
    Drain,
    /// A schedule of the API fires.
    Firing {
        /// The schedule ID.
        schedule: String,
        /// The time for which it fires.
        time: Timestamp,
    },
    /// Reconcile schedules with EventBridge Scheduler, and create the next partitions of the log.
    Reconcile,
    /// A cron of the deployment publishes a job.
    Publish {
        /// The handler's URL.
        url: String,
        /// The job, as JSON.
        #[serde(default)]
        body: serde_json::Value,
        /// The time of the firing, for which the job is published once.
        time: Timestamp,
    },
    /// Apply migrations before a deployment.
    Migrate,
}

/// Parses an event. The tag is parsed first, so that the body of a request is parsed only once.
pub(super) fn read(event: &str) -> Result<Event> {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(borrow)]
        sigpost: Option<Cow<'a, str>>,
    }
    let tag: Tag<'_> = serde_json::from_str(event).context("the event is not a JSON object")?;
    if tag.sigpost.is_some() {
        return Ok(Event::Direct(serde_json::from_str(event).context("invalid sigpost event")?));
    }
    let request = serde_json::from_str(event).context("the event is neither an HTTP request nor a sigpost event")?;
    Ok(Event::Http(Box::new(request)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(event: &str) -> Direct {
        match read(event).expect(event) {
            Event::Direct(direct) => direct,
            Event::Http(_) => panic!("{event} is taken for a request"),
        }
    }

    #[test]
    fn the_events_of_the_deployment_are_told_by_their_tag() {
        assert_eq!(direct(r#"{"sigpost":"tick"}"#), Direct::Tick);
        assert_eq!(direct(r#"{"sigpost":"drain"}"#), Direct::Drain);
        let firing = r#"{"sigpost":"firing","schedule":"scd_1","time":"2026-11-25T22:00:00Z"}"#;
        let time = "2026-11-25T22:00:00Z".parse().expect("a time");
        assert_eq!(direct(firing), Direct::Firing { schedule: "scd_1".into(), time });
        let cron = r#"{"sigpost":"publish","url":"https://a.example/b","time":"2026-11-25T22:00:00Z"}"#;
        assert_eq!(
            direct(cron),
            Direct::Publish { url: "https://a.example/b".into(), body: serde_json::Value::Null, time }
        );
    }

    #[test]
    fn what_is_misspelt_is_rejected_and_not_ignored() {
        for event in [
            r#"{"sigpost":"tock"}"#,
            r#"{"sigpost":"publish","url":"https://a.example/b"}"#,
            r#"{"hello":"world"}"#,
            "[]",
            "",
        ] {
            assert!(read(event).is_err(), "{event}");
        }
    }

    #[test]
    fn a_request_whose_body_looks_like_an_event_is_a_request() {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v2/publish/x", "rawQueryString": "",
            "headers": {"sigpost": "tick"},
            "requestContext": {
                "accountId": "a", "apiId": "u", "domainName": "d", "domainPrefix": "u", "requestId": "r", "routeKey": "$default",
                "stage": "$default", "time": "22/Nov/2026:00:00:00 +0000", "timeEpoch": 1,
                "http": {"method": "POST", "path": "/v2/publish/x", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "t"},
            },
            "body": r#"{"sigpost":"tick"}"#, "isBase64Encoded": false,
        });
        assert!(matches!(read(&event.to_string()), Ok(Event::Http(_))));
    }
}
