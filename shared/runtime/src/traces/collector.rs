//! The way to the collector. It may be away: nobody waits for it, and it is said once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::causes::with_causes;

/// How long one request may take.
const LONGEST: Duration = Duration::from_secs(2);
/// How long the collector counts as away after a request that failed.
const PAUSE: Duration = Duration::from_secs(30);
/// Shorter than what collectors and the balancers before them keep: a connection that they have closed costs a batch.
const IDLE: Duration = Duration::from_secs(15);

/// A client for the exporter; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    /// The exporter asks on a thread that has none.
    runtime: Handle,
    failed_at: Arc<Mutex<Option<Instant>>>,
}

impl Collector {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none());
        let client = client.timeout(LONGEST).pool_idle_timeout(IDLE).build();
        Ok(Self {
            client: client.context("the HTTP client for traces cannot be built")?,
            runtime: Handle::current(),
            failed_at: Arc::default(),
        })
    }

    /// Whether the last request has failed, a moment ago.
    pub(super) fn is_away(&self) -> bool {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|at| at.elapsed() < PAUSE)
    }

    /// Keeps what came of a request, and logs it where it is other than before.
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
    /// A batch that cannot be sent is given up. The exporter is not told: it would try again, and log each time.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (request, client) = (reqwest::Request::try_from(request)?, self.client.clone());
        let sending = self.runtime.spawn(async move {
            let response = client.execute(request).await.map_err(without_url)?;
            let status = response.status();
            // Read to its end, so that the connection can be used again.
            response.bytes().await.map_err(without_url)?;
            if status.is_success() { Ok(()) } else { Err(format!("the collector answered {status}")) }
        });
        self.note(sending.await.unwrap_or_else(|why| Err(why.to_string())));
        Ok(Response::new(Bytes::new()))
    }
}

/// There may be a key in it.
fn without_url(error: reqwest::Error) -> String {
    let error = error.without_url();
    with_causes(error.to_string(), &error)
}
