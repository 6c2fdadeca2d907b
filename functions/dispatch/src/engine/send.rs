//! Send: one signed HTTP request, bounded in time and in what is read of the answer.
//! No database connection is held meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::{Method, Request};
use sigpost_qstash::{Called, names};
use sigpost_runtime::key_ring::Keys;
use sigpost_runtime::traces::Span;
use sigpost_runtime::{AddressPolicy, PushSigner, outgoing};
use sigpost_store::claim::Lease;

use super::Settings;
use super::fast_lane::FastLane;

/// Sends leases to their destinations.
pub(super) struct Sender {
    client: outgoing::Client,
    fast_lane: FastLane,
    policy: AddressPolicy,
    longest_attempt_ms: AtomicU64,
    kept_response_bytes: usize,
    push_signer: Option<Arc<PushSigner>>,
}

/// What the destination answered. The body is cut to what is kept.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer. The texts are shown in the log of events.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no complete response within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("{0}")]
    Refused(String),
    #[error("cannot connect: {0}")]
    NotConnected(String),
    #[error("the exchange broke off: {0}")]
    BrokenOff(String),
    #[error("the request cannot be made: {0}")]
    Unsendable(String),
}

impl SendError {
    /// In a word, for whoever must not see the text.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed_out",
            Self::Refused(_) => "refused",
            Self::NotConnected(_) => "not_connected",
            Self::BrokenOff(_) => "broken_off",
            Self::Unsendable(_) => "unsendable",
        }
    }
}

impl Sender {
    pub(super) fn new(policy: &AddressPolicy, settings: &Settings) -> anyhow::Result<Self> {
        let sender = Self {
            client: outgoing::Client::new(policy)?,
            fast_lane: FastLane::default(),
            policy: policy.clone(),
            longest_attempt_ms: AtomicU64::default(),
            kept_response_bytes: settings.kept_response_bytes,
            push_signer: settings.push_signer.clone(),
        };
        sender.bound_attempts(settings.longest_attempt);
        Ok(sender)
    }

    /// From now on no attempt takes longer, whatever its message asks for.
    pub(super) fn bound_attempts(&self, longest: Duration) {
        self.longest_attempt_ms.store(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// One attempt. The signature is made now: it expires minutes after it was made. Where traces are on the
    /// request carries the place of its span.
    pub(super) async fn send(&self, lease: &Lease, keys: &Keys, span: Option<&Span>) -> Result<Answer, SendError> {
        let mut request = self.request(lease, keys, span)?;
        if let Some(signer) = &self.push_signer {
            // Boxed, because few have a signer, and inline every delivery would hold the room for what it awaits.
            let signed = Box::pin(signer.sign(&mut request)).await;
            signed.map_err(|why| SendError::Unsendable(format!("{why:#}")))?;
        }
        let longest = Duration::from_millis(self.longest_attempt_ms.load(Ordering::Relaxed));
        let bound = lease.message.timeout.unwrap_or(longest).min(longest);
        // Boxed, because the client's future is large and would be moved several times before it is first polled.
        let exchange = Box::pin(self.exchange(request));
        self.fast_lane.run(bound, exchange).await.unwrap_or(Err(SendError::TimedOut(bound)))
    }

    fn request(&self, lease: &Lease, keys: &Keys, span: Option<&Span>) -> Result<Request, SendError> {
        let message = &lease.message;
        let called = Called::parse(&message.url).map_err(|why| SendError::Unsendable(why.to_string()))?;
        self.policy.check_url(&called.url).map_err(|why| SendError::Refused(why.to_string()))?;
        let method = Method::from_bytes(message.method.as_str().as_bytes())
            .map_err(|why| SendError::Unsendable(why.to_string()))?;

        let mut headers = message.header.to_http();
        // Of a message that a release before stored with user info in its URL.
        if let Some(Ok(authorization)) = called.authorization.as_deref().map(HeaderValue::try_from) {
            headers.entry(header::AUTHORIZATION).or_insert(authorization);
        }
        // hyper leaves it out for an empty body, and some servers then respond with 411.
        if message.body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(names::USER_AGENT));
        let mut set = |name, value: &str| match HeaderValue::from_str(value) {
            Ok(value) => {
                headers.insert(HeaderName::from_static(name), value);
                Ok(())
            }
            Err(why) => Err(SendError::Unsendable(format!("{name}: {why}"))),
        };
        set(names::UPSTASH_SIGNATURE, &keys.signer.sign(called.signed(), &message.body, Timestamp::now()))?;
        set(names::UPSTASH_MESSAGE_ID, &message.id.to_string())?;
        set(names::UPSTASH_RETRIED, &lease.retried.to_string())?;
        let of_few = [
            (names::UPSTASH_CALLER_IP, &message.caller_ip),
            (names::UPSTASH_TOPIC_NAME, &message.extras.topic_name),
            (names::UPSTASH_SCHEDULE_ID, &message.extras.schedule_id),
        ];
        for (name, value) in of_few {
            if let Some(value) = value {
                set(name, value)?;
            }
        }
        if let Some(span) = span {
            set(names::TRACEPARENT, &span.place().to_string())?;
        }

        let mut request = Request::new(method, called.url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(message.body.clone().into());
        Ok(request)
    }

    async fn exchange(&self, request: Request) -> Result<Answer, SendError> {
        let mut response = self.client.execute(request).await.map_err(send_error)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        // A longer body, or one without an end, is left unread: the connection is closed then.
        while let Some(chunk) = response.chunk().await.map_err(send_error)? {
            let room = self.kept_response_bytes - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == self.kept_response_bytes {
                break;
            }
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

/// The innermost cause says what happened; the layers above repeat the URL.
fn send_error(error: reqwest::Error) -> SendError {
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    if error.is_connect() {
        if text.starts_with("invalid destination url") {
            SendError::Refused(text)
        } else {
            SendError::NotConnected(text)
        }
    } else if error.is_builder() || error.is_request() && error.is_timeout() {
        SendError::Unsendable(text)
    } else {
        SendError::BrokenOff(text)
    }
}
