//! Send: one signed HTTP request, bounded in time and in what is read of the answer.
//! No database connection is held meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use sigpost_qstash::names;
use sigpost_runtime::key_ring::Keys;
use sigpost_runtime::outgoing::{self, Connections, Failure, Request, Response};
use sigpost_runtime::traces::Span;
use sigpost_runtime::{AddressPolicy, PushSigner};
use sigpost_store::claim::Lease;

use super::Settings;
use super::destinations::{Destination, Destinations};
use super::fast_lane::FastLane;

/// Sends leases to their destinations.
pub(super) struct Sender {
    client: outgoing::Client,
    fast_lane: FastLane,
    destinations: Destinations,
    longest_attempt_ms: AtomicU64,
    kept_response_bytes: usize,
    push_signer: Option<Arc<PushSigner>>,
}

/// Why there is no complete response. The texts are shown in the log of events.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no complete response within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl SendError {
    /// In a word, for those who must not see the text.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed_out",
            Self::Failed(Failure::Rejected(_)) => "refused",
            Self::Failed(Failure::LacksResource(_)) => "lacks_resource",
            Self::Failed(Failure::NotConnected(_)) => "not_connected",
            Self::Failed(Failure::BrokenOff { .. }) => "broken_off",
            Self::Failed(Failure::Unsendable(_)) => "unsendable",
        }
    }
}

impl Sender {
    pub(super) fn new(policy: &AddressPolicy, settings: &Settings) -> anyhow::Result<Self> {
        let sender = Self {
            client: outgoing::Client::new(policy)?,
            fast_lane: FastLane::default(),
            destinations: Destinations::new(policy),
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
    pub(super) async fn send(&self, lease: &Lease, keys: &Keys, span: Option<&Span>) -> Result<Response, SendError> {
        let longest = Duration::from_millis(self.longest_attempt_ms.load(Ordering::Relaxed));
        let bound = lease.message.timeout.unwrap_or(longest).min(longest);
        // Boxed, because the client's future is large and would be moved several times before it is first polled.
        let exchange = Box::pin(self.exchange(lease, keys, span));
        match self.fast_lane.run(bound, exchange).await {
            Some(result) => Ok(result?),
            None => Err(SendError::TimedOut(bound)),
        }
    }

    async fn exchange(&self, lease: &Lease, keys: &Keys, span: Option<&Span>) -> Result<Response, Failure> {
        let destination = self.destinations.get(&lease.message.url)?;
        let request = self.signed_request(&destination, lease, keys, span).await?;
        match self.client.send(&destination.target, request, Connections::Reused, self.kept_response_bytes).await {
            Err(failure) if failure.is_repeatable() => {
                let request = self.signed_request(&destination, lease, keys, span).await?;
                // Boxed, because it is seldom needed.
                Box::pin(self.client.send(&destination.target, request, Connections::New, self.kept_response_bytes))
                    .await
            }
            result => result,
        }
    }

    async fn signed_request(
        &self,
        destination: &Destination,
        lease: &Lease,
        keys: &Keys,
        span: Option<&Span>,
    ) -> Result<Request, Failure> {
        let mut request = request(destination, lease, keys, span)?;
        if let Some(signer) = &self.push_signer {
            // Boxed, because few have a signer, and inline every delivery would hold the room for what it awaits.
            let signed = Box::pin(signer.sign(&destination.called.url, &mut request)).await;
            signed.map_err(|why| Failure::Unsendable(format!("{why:#}")))?;
        }
        Ok(request)
    }
}

/// The request of an attempt, with the signature of our own.
fn request(destination: &Destination, lease: &Lease, keys: &Keys, span: Option<&Span>) -> Result<Request, Failure> {
    let message = &lease.message;
    let method =
        Method::from_bytes(message.method.as_str().as_bytes()).map_err(|why| Failure::Unsendable(why.to_string()))?;

    let mut headers = message.header.to_http();
    if let Some(authorization) = &destination.authorization {
        headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
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
        Err(why) => Err(Failure::Unsendable(format!("{name}: {why}"))),
    };
    set(names::UPSTASH_SIGNATURE, &keys.signer.sign(destination.called.signed(), &message.body, Timestamp::now()))?;
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

    Ok(Request { method, headers, body: message.body.clone() })
}
