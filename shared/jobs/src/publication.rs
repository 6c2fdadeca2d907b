//! Message of a job, the same over HTTP and directly in the database.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::duration::MAX_DURATION;
use sigpost_qstash::names::{TRACEPARENT, X_CORRELATION_ID};
use sigpost_qstash::{Destination, Invalid, Limits};

use crate::envelope::encode;
use crate::{Handlers, Job, trace};

/// Additional time of the dispatcher's timeout over the handler's, so that the handler can record and report its own
/// timeout.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// Options of enqueuing. Default: immediately, with the retries of the job type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// Delay of the first attempt. Millisecond resolution, at most 1000 years.
    pub delay: Duration,
    /// Deduplication ID: a second job with the same ID is not stored, and returns the first message. At most 1024 bytes,
    /// without a colon.
    pub deduplication_id: Option<String>,
    /// Deduplication window. Default: ten minutes, as in QStash. Over HTTP the dispatcher's setting applies instead.
    pub deduplication_window: Duration,
    /// Maximum number of retries; `None` means [`Job::RETRIES`].
    pub retries: Option<u32>,
    /// User ID, recorded with each run.
    pub user_id: Option<String>,
    /// Organization ID, recorded with each run.
    pub organization_id: Option<String>,
    /// Correlation ID of 1 to 128 visible ASCII characters, in the log lines of its runs and of their follow-up jobs.
    /// `None` means the message ID.
    pub correlation_id: Option<String>,
    /// Trace context of the publisher, in the format of W3C's `traceparent` header.
    pub traceparent: Option<String>,
}

impl Default for EnqueueOptions {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            deduplication_id: None,
            deduplication_window: Duration::from_secs(600),
            retries: None,
            user_id: None,
            organization_id: None,
            correlation_id: None,
            traceparent: None,
        }
    }
}

/// A validated job, ready to be published.
pub(crate) struct Publication {
    pub(crate) destination: Destination,
    pub(crate) body: Vec<u8>,
    pub(crate) retries: u32,
    pub(crate) timeout: Duration,
    pub(crate) delay: Duration,
    pub(crate) deduplication_id: Option<String>,
    /// Headers for the handler, without the prefix `Upstash-Forward-`.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Publication {
    pub(crate) fn new<J: Job>(
        handlers: &Handlers,
        job: &J,
        options: &EnqueueOptions,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        job.validate()?;
        if let Some(id) = &options.deduplication_id {
            check_deduplication_id(id)?;
        }
        let limits = Limits::default();
        if options.delay > limits.max_delay.unwrap_or(MAX_DURATION) {
            return Err(Invalid::new("delay", "must not be longer than 1000 years"));
        }
        trace::check(options.correlation_id.as_deref(), options.traceparent.as_deref())?;
        let (user_id, organization_id) = (options.user_id.as_deref(), options.organization_id.as_deref());
        let body = encode(job, handlers.sealing.as_ref(), user_id, organization_id, now)?;
        limits.check_body(body.len())?;
        let url = handlers.url_of::<J>()?;
        let headers = [(X_CORRELATION_ID, &options.correlation_id), (TRACEPARENT, &options.traceparent)];
        Ok(Self {
            destination: Destination::parse(&url)?,
            body,
            retries: options.retries.unwrap_or(J::RETRIES).min(limits.max_retries),
            timeout: J::TIMEOUT + ANSWER_MARGIN,
            delay: options.delay,
            deduplication_id: options.deduplication_id.clone(),
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect(),
        })
    }
}

fn check_deduplication_id(id: &str) -> Result<(), Invalid> {
    const FIELD: &str = "deduplication id";
    match id {
        id if id.contains(':') => Err(Invalid::verbatim(FIELD, "DeduplicationId cannot contain ':'")),
        id if id.is_empty() || id.len() > 1024 => Err(Invalid::new(FIELD, "must be 1 to 1024 bytes")),
        id if id.chars().any(char::is_control) => Err(Invalid::new(FIELD, "must not contain control characters")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Clean {
        retention: u32,
    }

    impl Job for Clean {
        const TYPE: &'static str = "clean";
        const ENDPOINT: &'static str = "/api/jobs/clean";
        const RETRIES: u32 = 1;
        const TIMEOUT: Duration = Duration::from_secs(600);

        fn validate(&self) -> Result<(), Invalid> {
            if self.retention == 0 { Err(Invalid::new("retention", "must not be 0")) } else { Ok(()) }
        }
    }

    fn publication(base_url: &str, retention: u32, options: &EnqueueOptions) -> Result<Publication, String> {
        let now = "2026-11-22T10:00:00Z".parse().expect("time");
        let handlers = Handlers::at(base_url).map_err(|invalid| invalid.to_string())?;
        Publication::new(&handlers, &Clean { retention }, options, now).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn jobs_constants_are_the_messages_options() {
        let publication = publication("https://a.example/", 30, &EnqueueOptions::default()).expect("valid");
        assert_eq!(publication.destination.as_str(), "https://a.example/api/jobs/clean");
        assert_eq!(publication.body, br#"{"retention":30}"#);
        assert_eq!((publication.retries, publication.timeout), (1, Duration::from_secs(605)));
    }

    #[test]
    fn metadata_puts_the_job_in_an_envelope() {
        let options = EnqueueOptions { user_id: Some("u1".into()), ..EnqueueOptions::default() };
        let body: serde_json::Value =
            serde_json::from_slice(&publication("https://a.example", 30, &options).expect("valid").body).expect("JSON");
        let expected = serde_json::json!({
            "type": "clean", "payload": { "retention": 30 },
            "metadata": { "createdAt": "2026-11-22T10:00:00Z", "userId": "u1" },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn nothing_invalid_is_published() {
        let rejected = |base_url, retention, options: &EnqueueOptions| {
            publication(base_url, retention, options).err().expect("invalid")
        };
        let default = EnqueueOptions::default();
        assert_eq!(rejected("https://a.example", 0, &default), "retention: must not be 0");
        assert!(rejected("a.example", 30, &default).starts_with("base url: "));
        let with_id = |id: &str| EnqueueOptions { deduplication_id: Some(id.into()), ..default.clone() };
        assert_eq!(rejected("https://a.example", 30, &with_id("user:1")), "DeduplicationId cannot contain ':'");
        assert!(rejected("https://a.example", 30, &with_id("")).starts_with("deduplication id: "));
        assert!(rejected("https://a.example", 30, &with_id("a\nb")).starts_with("deduplication id: "));
        let late = EnqueueOptions { delay: MAX_DURATION + Duration::from_secs(1), ..default.clone() };
        assert_eq!(rejected("https://a.example", 30, &late), "delay: must not be longer than 1000 years");
    }
}
