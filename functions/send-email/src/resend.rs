//! Sending through Resend.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use resend_rs::types::{CreateAttachment, CreateEmailBaseOptions, ErrorKind, ErrorResponse, Tag};
use resend_rs::{ConfigBuilder, Error};
use sigpost_jobs::JobError;
use sigpost_runtime::causes::with_causes;
use sigpost_runtime::env;
use url::Url;

use crate::{Attachment, Email, SendEmail};

/// How long Resend may take to accept an e-mail; well within the job's own time.
const TIMEOUT: Duration = Duration::from_secs(10);
/// When Resend says that it is too much, and not until when. Its limit is per second.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that a dispatcher honours.
const MAX_WAIT: Duration = Duration::from_secs(86_400);
/// When the same e-mail is being sent by a request whose answer was lost.
const IN_PROGRESS_WAIT: Duration = Duration::from_secs(5);

/// An account with Resend.
pub(crate) struct Resend {
    api_key: String,
    base_url: Url,
    http: reqwest::Client,
    from: String,
    /// None, or one address.
    reply_to: Vec<String>,
}

impl Resend {
    pub(crate) fn new(api_key: String, base_url: Url, from: String, reply_to: Option<String>) -> Result<Self> {
        // The crate reads this variable whenever a client is made, and panics if it is malformed.
        env::parsed("RESEND_RATE_LIMIT", NonZeroU32::MIN)?;
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().context("the HTTP client cannot be built")?;
        Ok(Self { api_key, base_url, http, from, reply_to: reply_to.into_iter().collect() })
    }

    /// Sends it, and returns Resend's id. For a day Resend answers a repetition of the same message
    /// with the same id, and sends nothing.
    pub(crate) async fn send(&self, email: &Email, job: &SendEmail, key: String) -> Result<String, JobError> {
        let options = self.options(email, job);
        // A client of its own for each e-mail, over the same connections: the crate's clients hold
        // back all but nine e-mails and then let one go every 1.1 s, which is neither Resend's limit
        // nor shared with other processes. Resend itself says when it is too much.
        let config =
            ConfigBuilder::new(&self.api_key).base_url(self.base_url.clone()).client(self.http.clone()).build();
        let client = resend_rs::Resend::with_config(config);
        match client.emails.send(options.with_idempotency_key(&key)).await {
            Ok(sent) => Ok(sent.id.to_string()),
            Err(error) => Err(job_error(error)),
        }
    }

    fn options(&self, email: &Email, job: &SendEmail) -> CreateEmailBaseOptions {
        let mut options = CreateEmailBaseOptions::new(&self.from, &job.to, &email.subject)
            .with_html(&email.html)
            .with_text(&email.text)
            .with_tag(Tag::new("template", email.tag));
        let reply_to = if job.reply_to.is_empty() { self.reply_to.as_slice() } else { &job.reply_to };
        if !reply_to.is_empty() {
            options = options.with_reply_multiple(reply_to);
        }
        options = job.cc.iter().fold(options, |options, address| options.with_cc(address));
        options = job.bcc.iter().fold(options, |options, address| options.with_bcc(address));
        options = job.headers.iter().fold(options, |options, (name, value)| options.with_header(name, value));
        options = job.attachments.iter().fold(options, |options, file| options.with_attachment(attached(file)));
        match job.later(Timestamp::now()) {
            Some(at) => options.with_scheduled_at(&at.to_string()),
            None => options,
        }
    }
}

fn attached(file: &Attachment) -> CreateAttachment {
    // Whether it is base64 was looked at before the run.
    let attached = CreateAttachment::from_content(file.bytes().unwrap_or_default()).with_filename(&file.filename);
    match &file.content_type {
        Some(content_type) => attached.with_content_type(content_type),
        None => attached,
    }
}

/// Whether it helps to try again, and when. What an operator can repair (a key, a domain) is worth
/// the retries.
fn job_error(error: Error) -> JobError {
    match error {
        Error::RateLimit { ratelimit_reset, .. } => {
            let wait = ratelimit_reset.map_or(RATE_LIMIT_WAIT, Duration::from_secs);
            JobError::retry_after(wait.clamp(RATE_LIMIT_WAIT, MAX_WAIT), "Resend: too many requests")
        }
        Error::Resend(answer) => refusal(&answer),
        // Its text is the body of the answer, which may be a whole page.
        Error::Parse { .. } => JobError::retryable("Resend: the answer cannot be read"),
        Error::Http(why) => JobError::retryable(format!("Resend: {}", unsent(&why))),
        Error::Other(why) => JobError::retryable(format!("Resend: {why}")),
    }
}

/// After a burst all would come back at the same moment, be too many again, and use up their retries.
/// So each waits up to twice as long again, four times that at each further attempt, by its own number.
pub(crate) fn spread(error: JobError, attempt: u32, number: u128) -> JobError {
    let JobError::RetryAfter(wait, why) = error else { return error };
    let widest = wait * 2 * 4_u32.pow(attempt.clamp(1, 8) - 1);
    let share = (number & 0xffff) as f64 / 65_536.0;
    JobError::RetryAfter((wait + widest.mul_f64(share)).min(MAX_WAIT), why)
}

fn refusal(answer: &ErrorResponse) -> JobError {
    let text = format!("Resend: {} ({}): {}", answer.name, answer.status_code, answer.message);
    match answer.kind() {
        ErrorKind::ConcurrentIdempotentRequests | ErrorKind::ResourceLocked => {
            JobError::retry_after(IN_PROGRESS_WAIT, text)
        }
        ErrorKind::DailyQuotaExceeded | ErrorKind::MonthlyQuotaExceeded | ErrorKind::RateLimitExceeded => {
            JobError::retryable(text)
        }
        // The same key for another content: an earlier attempt has sent it, and since then the brand
        // or the sender has changed.
        ErrorKind::InvalidIdempotentRequest => JobError::permanent(text),
        _ if matches!(answer.status_code, 400 | 413 | 422) => JobError::permanent(text),
        _ => JobError::retryable(text),
    }
}

/// Without the URL, which says nothing new, and with the causes, which do.
fn unsent(error: &reqwest::Error) -> String {
    with_causes(if error.is_timeout() { "no answer in time" } else { "the request failed" }, error)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::State;
    use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use axum::routing::post;
    use axum::{Json, Router};
    use serde_json::{Map, Value, json};
    use tokio::net::TcpListener;

    use super::*;

    type Seen = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

    /// A Resend that answers everything with this, and remembers what it was asked.
    async fn fake(status: u16, headers: &[(&'static str, &'static str)], body: Value) -> (Resend, Seen) {
        let seen = Seen::default();
        let status = StatusCode::from_u16(status).expect("a status");
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let record = move |State(seen): State<Seen>, request_headers: HeaderMap, Json(request): Json<Value>| {
            seen.lock().expect("lock").push((request_headers, request));
            async move { (status, headers, Json(body)) }
        };
        let router = Router::new().route("/emails", post(record)).with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (account(&url), seen)
    }

    fn account(url: &str) -> Resend {
        let url = Url::parse(url).expect("a URL");
        Resend::new("re_key".into(), url, "Acme <hello@acme.example>".into(), Some("help@acme.example".into()))
            .expect("an account")
    }

    async fn sent(resend: &Resend) -> Result<String, JobError> {
        let email = Email {
            template: "welcome",
            tag: "welcome-signup",
            subject: "Welcome to Acme".into(),
            html: "<p>Hi</p>".into(),
            text: "Hi".into(),
        };
        let to = vec!["ada@example.com".into(), "Bob <bob@example.com>".into()];
        resend.send(&email, &SendEmail::new("welcome", to, Map::new()), "send-email/msg_1".into()).await
    }

    #[tokio::test]
    async fn resend_is_told_everything_and_the_messages_own_key() {
        let (resend, seen) = fake(200, &[], json!({ "id": "49a3999c" })).await;
        assert_eq!(sent(&resend).await.as_deref(), Ok("49a3999c"));
        let seen = seen.lock().expect("lock");
        let [(headers, request)] = &seen[..] else { panic!("one request") };
        assert_eq!(headers["authorization"], "Bearer re_key");
        assert_eq!(headers["idempotency-key"], "send-email/msg_1");
        let expected = json!({
            "from": "Acme <hello@acme.example>",
            "to": ["ada@example.com", "Bob <bob@example.com>"],
            "subject": "Welcome to Acme",
            "html": "<p>Hi</p>",
            "text": "Hi",
            "reply_to": ["help@acme.example"],
            "tags": [{ "name": "template", "value": "welcome-signup" }],
        });
        assert_eq!(*request, expected);
    }

    #[tokio::test]
    async fn burst_is_not_held_back() {
        let (resend, seen) = fake(200, &[], json!({ "id": "1" })).await;
        let started = std::time::Instant::now();
        for _ in 0..30 {
            sent(&resend).await.expect("sent");
        }
        assert_eq!(seen.lock().expect("lock").len(), 30);
        assert!(started.elapsed() < Duration::from_secs(10), "the crate's own limiter would have taken 23 s");
    }

    #[tokio::test]
    async fn each_refusal_says_whether_to_try_again() {
        let body = |name: &str, status: u16| json!({ "name": name, "statusCode": status, "message": "why" });
        let text = |name: &str, status: u16| format!("Resend: {name} ({status}): why");
        let wait = Duration::from_secs;
        for (status, headers, name, expected) in [
            (422, vec![], "validation_error", JobError::Permanent(text("validation_error", 422))),
            (422, vec![], "missing_required_field", JobError::Permanent(text("missing_required_field", 422))),
            (400, vec![], "invalid_idempotency_key", JobError::Permanent(text("invalid_idempotency_key", 400))),
            (409, vec![], "invalid_idempotent_request", JobError::Permanent(text("invalid_idempotent_request", 409))),
            (
                409,
                vec![],
                "concurrent_idempotent_requests",
                JobError::RetryAfter(wait(5), text("concurrent_idempotent_requests", 409)),
            ),
            (401, vec![], "missing_api_key", JobError::Retryable(text("missing_api_key", 401))),
            (403, vec![], "validation_error", JobError::Retryable(text("validation_error", 403))),
            (500, vec![], "application_error", JobError::Retryable(text("application_error", 500))),
            (429, vec![], "rate_limit_exceeded", JobError::RetryAfter(wait(1), "Resend: too many requests".into())),
            (
                429,
                vec![("ratelimit-reset", "7")],
                "rate_limit_exceeded",
                JobError::RetryAfter(wait(7), "Resend: too many requests".into()),
            ),
        ] {
            let (resend, seen) = fake(status, &headers, body(name, status)).await;
            assert_eq!(sent(&resend).await, Err(expected), "{name}");
            assert_eq!(seen.lock().expect("lock").len(), 1, "{name}: retries are the dispatcher's business");
        }
    }

    #[tokio::test]
    async fn absent_and_garbled_answers_are_tried_again() {
        let (resend, _) = fake(502, &[], json!("not an error of Resend's")).await;
        assert_eq!(sent(&resend).await, Err(JobError::retryable("Resend: the answer cannot be read")));
        let (resend, _) = fake(200, &[], json!({})).await;
        assert!(matches!(sent(&resend).await, Err(JobError::Retryable(_))));

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let error = sent(&account(&url)).await.expect_err("nobody there");
        assert!(
            matches!(&error, JobError::Retryable(text) if text.starts_with("Resend: the request failed: ")),
            "{error}"
        );
    }

    #[test]
    fn waits_of_a_burst_are_spread_and_grow_with_the_attempt() {
        let wait = |attempt, number| match spread(JobError::retry_after(RATE_LIMIT_WAIT, "busy"), attempt, number) {
            JobError::RetryAfter(wait, _) => wait.as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert_eq!((wait(1, 0), wait(1, 0x8000), wait(3, 0x8000)), (1.0, 2.0, 17.0));
        assert!(wait(u32::MAX, 0xffff) < 86_401.0);
        assert!(matches!(spread(JobError::retryable("no"), 1, 1), JobError::Retryable(_)));
    }
}
