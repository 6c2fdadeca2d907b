//! Sends signed HTTP requests with limits on time and on the size of the response. Holds no database connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sigpost_qstash::Traceparent;
use sigpost_runtime::key_ring::Keys;
use sigpost_runtime::outgoing::{self, Connections, Failure, Request, Response};

use sigpost_runtime::{AddressPolicy, PushSigner};
use sigpost_store::claim::Lease;
use sigpost_store::messages::Message;

use super::Settings;
use super::destinations::{Destination, Destinations};
use super::request::request;

/// Sends leases to their destinations.
pub(super) struct Sender {
    client: outgoing::Client,
    destinations: Destinations,
    longest_attempt_ms: AtomicU64,
    kept_response_bytes: usize,
    push_signer: Option<Arc<PushSigner>>,
}

/// Why there is no complete response. The log of events shows the texts.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("no complete response within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl SendError {
    /// Returns the kind of the error, for readers who must not see the text.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "timed_out",
            Self::Failed(Failure::Rejected(_)) => "rejected",
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
            destinations: Destinations::new(policy),
            longest_attempt_ms: AtomicU64::default(),
            kept_response_bytes: settings.kept_response_bytes,
            push_signer: settings.push_signer.clone(),
        };
        sender.bound_attempts(settings.longest_attempt);
        Ok(sender)
    }

    /// Sets the maximum timeout of attempts, which overrides longer timeouts of messages.
    pub(super) fn bound_attempts(&self, longest: Duration) {
        self.longest_attempt_ms.store(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the timeout of an attempt of this message.
    pub(super) fn bound(&self, message: &Message) -> Duration {
        let longest = Duration::from_millis(self.longest_attempt_ms.load(Ordering::Relaxed));
        message.timeout.unwrap_or(longest).min(longest)
    }

    /// Returns whether many connections to the destination of this URL are being made.
    pub(super) fn is_connecting(&self, url: &str) -> bool {
        self.destinations.get(url).is_ok_and(|destination| self.client.is_connecting(&destination.target))
    }

    /// Sends one request and returns its response. The request is signed now, because signatures expire after minutes. With
    /// tracing, the request has the context of its span.
    pub(super) async fn exchange(
        &self,
        lease: &Lease,
        keys: &Keys,
        place: Option<&Traceparent>,
    ) -> Result<Response, Failure> {
        let destination = self.destinations.get(&lease.message.url)?;
        let request = self.signed_request(&destination, lease, keys, place).await?;
        match self.client.send(&destination.target, request, Connections::Reused, self.kept_response_bytes).await {
            Err(failure) if failure.is_repeatable() => {
                let request = self.signed_request(&destination, lease, keys, place).await?;
                // Boxed, because it is rare.
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
        place: Option<&Traceparent>,
    ) -> Result<Request, Failure> {
        let mut request = request(destination, lease, keys, place)?;
        if let Some(signer) = &self.push_signer {
            // Boxed, because signers are rare, and the inline future would enlarge every delivery.
            let signed = Box::pin(signer.sign(&destination.called.url, &mut request)).await;
            signed.map_err(|why| Failure::Unsendable(format!("{why:#}")))?;
        }
        Ok(request)
    }
}
