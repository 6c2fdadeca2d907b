//! The connection to the collector. While it is unavailable, requests fail immediately and one line is logged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::causes::with_causes;

/// Timeout of one request.
const LONGEST: Duration = Duration::from_secs(2);
/// Time for which the collector counts as unavailable after a failed request.
const PAUSE: Duration = Duration::from_secs(30);
/// Shorter than the idle timeout of collectors and their load balancers: a request on a connection that they have
/// closed loses a batch.
const IDLE: Duration = Duration::from_secs(15);

/// An HTTP client for the exporter. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    /// The exporter sends from a thread without a runtime.
    runtime: Handle,
    failed_at: Arc<Mutex<Option<Instant>>>,
}

impl Collector {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
        let client = client.timeout(LONGEST).pool_idle_timeout(IDLE).build();
        Ok(Self {
            client: client.context("cannot build the HTTP client for traces")?,
            runtime: Handle::current(),
            failed_at: Arc::default(),
        })
    }

    /// Returns whether a request has failed within the last 30 seconds.
    pub(super) fn is_away(&self) -> bool {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|at| at.elapsed() < PAUSE)
    }

    /// Records the result of a request, and logs a change.
    fn note(&self, sent: Result<(), String>) {
        let now = sent.is_err().then(Instant::now);
        let before = std::mem::replace(&mut *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner), now);
        match (before, sent) {
            (None, Err(error)) => tracing::warn!(error, "traces cannot be exported, spans are lost"),
            (Some(_), Ok(())) => tracing::info!("traces are exported again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Sends a batch. A failed batch is dropped, and reported to the exporter as sent: it would otherwise retry, and
    /// log each time.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (request, client) = (reqwest::Request::try_from(request)?, self.client.clone());
        let sending = self.runtime.spawn(async move {
            let response = client.execute(request).await.map_err(without_url)?;
            let status = response.status();
            // Read to its end, so that the connection can be reused.
            response.bytes().await.map_err(without_url)?;
            if status.is_success() { Ok(()) } else { Err(format!("the collector responded with {status}")) }
        });
        self.note(sending.await.unwrap_or_else(|why| Err(why.to_string())));
        Ok(Response::new(Bytes::new()))
    }
}

/// Removes the URL from the error: it may contain a key.
fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    with_causes(error.to_string(), &error)
}
