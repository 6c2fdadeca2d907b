//! Client of Resend.

use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use resend_rs::types::{CreateAttachment, CreateEmailBaseOptions, ErrorKind, ErrorResponse, Tag};
use serde::Deserialize;
use sigpost_jobs::JobError;
use sigpost_jobs::payloads::send_email::Attachment;
use sigpost_jobs::payloads::{SendEmail, address};
use sigpost_qstash::retry_after;
use sigpost_runtime::causes::with_causes;
use url::Url;

use crate::Email;

/// Timeout of a request, well below the timeout of the job.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Wait after a 429 without a time. Resend's limit is per second.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait that a dispatcher honours.
const MAX_WAIT: Duration = Duration::from_secs(86_400);
/// Wait while another request with the same idempotency key is in progress.
const IN_PROGRESS_WAIT: Duration = Duration::from_secs(5);

/// Client for a Resend account.
pub(crate) struct Resend {
    api_key: String,
    url: Url,
    http: reqwest::Client,
    from: String,
    /// At most one address.
    reply_to: Vec<String>,
}

/// The response to an accepted e-mail.
#[derive(Deserialize)]
struct Accepted {
    id: String,
}

impl Resend {
    pub(crate) fn new(api_key: String, base_url: &Url, from: &str, reply_to: Option<&str>) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().context("the HTTP client cannot be built")?;
        let mut url = base_url.clone();
        url.set_path(&format!("{}/emails", base_url.path().trim_end_matches('/')));
        let reply_to = reply_to.into_iter().map(address::header).collect();
        Ok(Self { api_key, url, http, from: address::header(from), reply_to })
    }

    /// Sends the e-mail and returns Resend's ID. For a day Resend returns the same ID for a repeated request with the same
    /// key, and sends nothing.
    ///
    /// The request does not use the client of Resend's crate, only its types: the client drops `Retry-After`, and after a
    /// burst of nine e-mails limits itself to one per 1.1 s, which is not Resend's limit and not shared between processes.
    pub(crate) async fn send(&self, email: &Email, job: &SendEmail, key: String) -> Result<String, JobError> {
        let request = self.http.post(self.url.clone()).bearer_auth(&self.api_key).header("Idempotency-Key", key);
        let request = request.header("User-Agent", concat!("sigpost/", env!("CARGO_PKG_VERSION")));
        let response = request.json(&self.options(email, job)).send().await.map_err(|why| unsent(&why))?;
        accepted(response).await
    }

    fn options(&self, email: &Email, job: &SendEmail) -> CreateEmailBaseOptions {
        let to = job.to.iter().map(|text| address::header(text));
        let mut options = CreateEmailBaseOptions::new(&self.from, to, &email.subject)
            .with_html(&email.html)
            .with_text(&email.text)
            .with_tag(Tag::new("template", email.tag));
        let reply_to: Vec<String> = job.reply_to.iter().map(|text| address::header(text)).collect();
        let reply_to = if reply_to.is_empty() { &self.reply_to } else { &reply_to };
        if !reply_to.is_empty() {
            options = options.with_reply_multiple(reply_to);
        }
        options = job.cc.iter().fold(options, |options, text| options.with_cc(&address::header(text)));
        options = job.bcc.iter().fold(options, |options, text| options.with_bcc(&address::header(text)));
        options = job.headers.iter().fold(options, |options, (name, value)| options.with_header(name, value));
        options = job.attachments.iter().fold(options, |options, file| options.with_attachment(attached(file)));
        match job.later(Timestamp::now()) {
            Some(at) => options.with_scheduled_at(&at.to_string()),
            None => options,
        }
    }
}

fn attached(file: &Attachment) -> CreateAttachment {
    // The base64 was validated before the run.
    let attached = CreateAttachment::from_content(file.bytes().unwrap_or_default()).with_filename(&file.filename);
    match &file.content_type {
        Some(content_type) => attached.with_content_type(content_type),
        None => attached,
    }
}

/// Returns Resend's ID of the e-mail, or an error that says whether and when to retry. Errors that an operator can fix,
/// such as an invalid key or domain, are retryable.
async fn accepted(response: Response) -> Result<String, JobError> {
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait = rate_limit_wait(response.headers(), Timestamp::now());
        return Err(JobError::retry_after(wait, "Resend: too many requests"));
    }
    let body = response.bytes().await.map_err(|why| unsent(&why))?;
    // The body, which may be a whole HTML page, is not part of the error.
    let unreadable = |_| JobError::retryable("Resend: invalid response");
    if status.is_success() {
        return serde_json::from_slice(&body).map(|Accepted { id }| id).map_err(unreadable);
    }
    Err(rejection(&serde_json::from_slice(&body).map_err(unreadable)?))
}

/// Returns the longer of `Retry-After` and `Ratelimit-Reset`.
fn rate_limit_wait(headers: &HeaderMap, now: Timestamp) -> Duration {
    let reset = headers.get("ratelimit-reset").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let wait = retry_after(headers, now).max(reset.map(Duration::from_secs));
    wait.unwrap_or(RATE_LIMIT_WAIT).clamp(RATE_LIMIT_WAIT, MAX_WAIT)
}

/// Adds jitter to the wait of a rate-limited e-mail: up to 2 s, four times as much with each attempt. Without it a burst
/// would retry simultaneously, exceed the limit again and exhaust its retries. `number` selects the jitter.
pub(crate) fn spread(error: JobError, attempt: u32, number: u128) -> JobError {
    let JobError::RetryAfter(wait, why) = error else { return error };
    let widest = RATE_LIMIT_WAIT * 2 * 4_u32.pow(attempt.clamp(1, 8) - 1);
    let share = (number & 0xffff) as f64 / 65_536.0;
    JobError::RetryAfter((wait + widest.mul_f64(share)).min(MAX_WAIT), why)
}

fn rejection(answer: &ErrorResponse) -> JobError {
    let text = format!("Resend: {} ({}): {}", answer.name, answer.status_code, answer.message);
    match answer.kind() {
        ErrorKind::ConcurrentIdempotentRequests | ErrorKind::ResourceLocked => {
            JobError::retry_after(IN_PROGRESS_WAIT, text)
        }
        ErrorKind::DailyQuotaExceeded | ErrorKind::MonthlyQuotaExceeded | ErrorKind::RateLimitExceeded => {
            JobError::retryable(text)
        }
        // Same key, different content: an earlier attempt has sent it, and the brand or the sender has changed since.
        ErrorKind::InvalidIdempotentRequest => JobError::permanent(text),
        _ if matches!(answer.status_code, 400 | 413 | 422) => JobError::permanent(text),
        _ => JobError::retryable(text),
    }
}

/// Returns the error of a failed request, with its causes and without the URL.
fn unsent(error: &reqwest::Error) -> JobError {
    let what = if error.is_timeout() { "Resend: timeout" } else { "Resend: request failed" };
    JobError::retryable(with_causes(what, error))
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
        Resend::new("re_key".into(), &url, "Acme <hello@acme.example>", Some("help@acme.example")).expect("an account")
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
    async fn request_has_all_fields_and_the_key_of_the_message() {
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
    async fn burst_is_sent_without_delay() {
        let (resend, seen) = fake(200, &[], json!({ "id": "1" })).await;
        let started = std::time::Instant::now();
        for _ in 0..30 {
            sent(&resend).await.expect("sent");
        }
        assert_eq!(seen.lock().expect("lock").len(), 30);
        assert!(started.elapsed() < Duration::from_secs(10), "the crate's own limiter would have taken 23 s");
    }

    #[tokio::test]
    async fn each_rejection_says_whether_to_try_again() {
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
            (
                429,
                vec![("retry-after", "30")],
                "rate_limit_exceeded",
                JobError::RetryAfter(wait(30), "Resend: too many requests".into()),
            ),
            (
                429,
                vec![("retry-after", "30"), ("ratelimit-reset", "7")],
                "daily_quota_exceeded",
                JobError::RetryAfter(wait(30), "Resend: too many requests".into()),
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
        assert_eq!(sent(&resend).await, Err(JobError::retryable("Resend: invalid response")));
        let (resend, _) = fake(200, &[], json!({})).await;
        assert!(matches!(sent(&resend).await, Err(JobError::Retryable(_))));

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let error = sent(&account(&url)).await.expect_err("no listener");
        assert!(matches!(&error, JobError::Retryable(text) if text.starts_with("Resend: request failed: ")), "{error}");
    }

    #[test]
    fn wait_is_the_longer_of_what_the_headers_say() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("a time");
        for (headers, seconds) in [
            (&[][..], 1),
            (&[("retry-after", "30")], 30),
            (&[("ratelimit-reset", "30")], 30),
            (&[("retry-after", "30"), ("ratelimit-reset", "7")], 30),
            (&[("retry-after", "7"), ("ratelimit-reset", "30")], 30),
            (&[("retry-after", "Sun, 29 Nov 2026 12:00:45 GMT")], 45),
            (&[("retry-after", "0")], 1),
            (&[("retry-after", "soon"), ("ratelimit-reset", "-1")], 1),
            (&[("retry-after", "86400")], 86_400),
            (&[("ratelimit-reset", "99999999")], 86_400),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(rate_limit_wait(&headers, now).as_secs(), seconds, "{headers:?}");
        }
    }

    #[test]
    fn waits_of_a_burst_are_spread_and_grow_with_the_attempt() {
        let wait = |attempt, number| match spread(JobError::retry_after(RATE_LIMIT_WAIT, "busy"), attempt, number) {
            JobError::RetryAfter(wait, _) => wait.as_secs_f64(),
            other => panic!("{other:?}"),
        };
        assert_eq!((wait(1, 0), wait(1, 0x8000), wait(3, 0x8000)), (1.0, 2.0, 17.0));
        let thirty = JobError::retry_after(Duration::from_secs(30), "busy");
        assert!(matches!(spread(thirty, 1, 0x8000), JobError::RetryAfter(wait, _) if wait.as_secs() == 31));
        assert!(wait(u32::MAX, 0xffff) < 86_401.0);
        assert!(matches!(spread(JobError::retryable("no"), 1, 1), JobError::Retryable(_)));
    }
}
