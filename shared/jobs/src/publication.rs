//! What is published for a job: the same message, whether it goes over HTTP or straight into the database.

use std::time::Duration;

use jiff::Timestamp;
use sigpost_qstash::duration::MAX_DURATION;
use sigpost_qstash::names::{TRACEPARENT, X_CORRELATION_ID};
use sigpost_qstash::{Destination, Invalid, Limits};

use crate::envelope::encode;
use crate::{Handlers, Job, trace};

/// How much longer than the handler the dispatcher waits: the handler's own account of a timeout, and
/// its record, are worth more than a closed connection.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// How a job is enqueued. The default is: at once, with the job's own retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnqueueOptions {
    /// How long to wait before the first delivery. Millisecond resolution, at most 1000 years.
    pub delay: Duration,
    /// A second job with the same id is not stored, but answered with the first one's message. At
    /// most 1024 bytes, without a colon.
    pub deduplication_id: Option<String>,
    /// How long the id is taken. Ten minutes, as QStash's; over HTTP the dispatcher's own setting counts.
    pub deduplication_window: Duration,
    /// Attempts after the first; `None` means the job's [`Job::RETRIES`].
    pub retries: Option<u32>,
    /// On whose behalf; recorded with each run.
    pub user_id: Option<String>,
    /// For which organization; recorded with each run.
    pub organization_id: Option<String>,
    /// What the job belongs to, 1 to 128 visible ASCII characters: in the log lines of its runs and of
    /// their follow-up jobs. `None` means the message's own id.
    pub correlation_id: Option<String>,
    /// The place in a trace that the job comes from, as W3C's `traceparent` header has it.
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

/// A job ready to be published, checked.
pub(crate) struct Publication {
    pub(crate) destination: Destination,
    pub(crate) body: Vec<u8>,
    pub(crate) retries: u32,
    pub(crate) timeout: Duration,
    pub(crate) delay: Duration,
    pub(crate) deduplication_id: Option<String>,
    /// What the handler gets besides the body, without `Upstash-Forward-`.
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
        let refused = |base_url, retention, options: &EnqueueOptions| {
            publication(base_url, retention, options).err().expect("invalid")
        };
        let default = EnqueueOptions::default();
        assert_eq!(refused("https://a.example", 0, &default), "retention: must not be 0");
        assert!(refused("a.example", 30, &default).starts_with("base url: "));
        let with_id = |id: &str| EnqueueOptions { deduplication_id: Some(id.into()), ..default.clone() };
        assert_eq!(refused("https://a.example", 30, &with_id("user:1")), "DeduplicationId cannot contain ':'");
        assert!(refused("https://a.example", 30, &with_id("")).starts_with("deduplication id: "));
        assert!(refused("https://a.example", 30, &with_id("a\nb")).starts_with("deduplication id: "));
        let late = EnqueueOptions { delay: MAX_DURATION + Duration::from_secs(1), ..default.clone() };
        assert_eq!(refused("https://a.example", 30, &late), "delay: must not be longer than 1000 years");
    }
}
