//! Reads request bodies with limits on size, time and the memory of all bodies.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use sigpost_qstash::Invalid;
use sigpost_runtime::ApiError;
use sigpost_runtime::serve::BYTES_PER_SECOND;
use tokio::time::timeout;

use crate::budget::{Budget, SMALL, Share};

/// Size limit in bytes of a request that changes settings: fits the maximum number of endpoints with the longest URLs.
const SETTINGS_LIMIT: usize = 10_000_000;

/// Memory in bytes for small bodies: 512 of the maximum size.
const SMALL_BUDGET: usize = 512 * SMALL;

/// Time limit for the body of a publish, plus one second per [`BYTES_PER_SECOND`].
pub(crate) const TIME: Duration = Duration::from_secs(30);

/// Memory limits for request bodies.
#[derive(Clone, Copy, Debug)]
pub struct BodyBudget {
    /// Memory in bytes for large bodies, from the first byte to the commit. Default 32 MiB. A larger body takes the whole
    /// budget. Small bodies have a separate budget.
    pub bytes: usize,
    /// How long a request waits for its share before the response is 503. Default 10 s.
    pub patience: Duration,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self { bytes: 32 * 1024 * 1024, patience: Duration::from_secs(10) }
    }
}

/// Budgets for bodies that are being read or wait for their commit.
#[derive(Debug)]
pub(crate) struct Bodies {
    small: Budget,
    large: Budget,
    patience: Duration,
}

/// A body and its share of the budget.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// The limits of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    /// Maximum size in bytes.
    pub(crate) limit: usize,
    /// Memory that the request needs per byte of its body.
    pub(crate) cost: usize,
}

impl Bound {
    pub(crate) fn bytes(limit: usize) -> Self {
        Self { limit, cost: 1 }
    }
}

impl Bodies {
    pub(crate) fn new(budget: BodyBudget) -> Self {
        Self { small: Budget::new(SMALL_BUDGET), large: Budget::new(budget.bytes), patience: budget.patience }
    }

    /// Reads the body of a request that changes settings.
    pub(crate) async fn read_settings(&self, headers: &HeaderMap, body: Body) -> Result<Received, ApiError> {
        self.read(headers, body, Bound::bytes(SETTINGS_LIMIT)).await
    }

    /// Reads a body within its limits. A `Content-Length` above the limit returns 413 without reading the body.
    pub(crate) async fn read(&self, headers: &HeaderMap, mut body: Body, bound: Bound) -> Result<Received, ApiError> {
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > bound.limit) {
            return Err(ApiError::too_large(bound.limit));
        }
        let result = match self.share(declared.unwrap_or(SMALL), bound).await {
            // The server limits the time: see `sigpost_runtime::serve`.
            Some(share) => self.collect(&mut body, declared, bound, share).await,
            None => Err(busy()),
        };
        // Many clients read the response only after they have sent the body.
        let is_rejected = result.as_ref().is_err_and(|error| error.status() == StatusCode::SERVICE_UNAVAILABLE);
        if is_rejected && !headers.contains_key(header::EXPECT) {
            let time = time_for(declared.unwrap_or(bound.limit));
            let _ = timeout(time, Box::pin(discard(&mut body))).await;
        }
        result
    }

    async fn collect(
        &self,
        body: &mut Body,
        declared: Option<usize>,
        bound: Bound,
        mut share: Share,
    ) -> Result<Received, ApiError> {
        let Some(first) = next(body).await? else { return Ok(Received { bytes: Bytes::new(), share }) };
        // Most bodies are a single frame.
        if declared == Some(first.len()) {
            return Ok(Received { bytes: first, share });
        }
        let mut is_small = declared.is_none();
        let mut read = Vec::with_capacity(declared.unwrap_or(SMALL).max(first.len()));
        let mut more = Some(first);
        while let Some(bytes) = more {
            let length = read.len() + bytes.len();
            if length > bound.limit {
                return Err(ApiError::too_large(bound.limit));
            }
            if is_small && length > SMALL {
                // The length is unknown: reserves the maximum, so that two bodies cannot deadlock.
                share = self.share(bound.limit, bound).await.ok_or_else(busy)?;
                is_small = false;
            }
            read.extend_from_slice(&bytes);
            more = next(body).await?;
        }
        if declared.is_none() {
            share.shrink_to(read.len().saturating_mul(bound.cost));
        }
        Ok(Received { bytes: read.into(), share })
    }

    async fn share(&self, length: usize, bound: Bound) -> Option<Share> {
        if length <= SMALL {
            return self.small.share(length, self.patience).await;
        }
        self.large.share(length.saturating_mul(bound.cost), self.patience).await
    }
}

/// Returns the next bytes of a body, or `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    while let Some(frame) = body.frame().await {
        let broken = |_| Invalid::new("body", "the connection closed before the body was complete");
        if let Ok(bytes) = frame.map_err(broken)?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

async fn discard(body: &mut Body) {
    while let Ok(Some(_)) = next(body).await {}
}

fn busy() -> ApiError {
    ApiError::try_again("too many large requests are in progress; nothing was stored, retry later")
}

/// Returns the time limit for a transfer of this size. A slower client would hold its share of the budget too long.
pub(crate) fn time_for(bytes: usize) -> Duration {
    TIME + Duration::from_secs(u64::try_from(bytes / BYTES_PER_SECOND).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_bodies_have_more_time() {
        assert_eq!(time_for(0), Duration::from_secs(30));
        assert_eq!(time_for(10_000_000), Duration::from_secs(106));
    }
}
