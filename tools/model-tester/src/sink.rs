//! The destination: responds according to the script in each URL, and records the times of attempts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use crate::clock::now;

/// Times of attempts in seconds since 1970, by message ID.
type Arrivals = Arc<Mutex<HashMap<String, Vec<f64>>>>;

#[derive(Clone, Default)]
pub(crate) struct Sink {
    url: String,
    arrivals: Arrivals,
}

impl Sink {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sink = Self { url: format!("http://{}", listener.local_addr()?), arrivals: Arrivals::default() };
        let router = Router::new().fallback(receive).with_state(Arc::clone(&sink.arrivals));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(sink)
    }

    /// Returns the URL of a message. Its script has one entry per attempt, the last of which repeats:
    /// `status.milliseconds` or `status.milliseconds.retry-after`.
    pub(crate) fn url(&self, name: &str, script: &str) -> String {
        format!("{}/{name}?script={script}", self.url)
    }

    /// Removes and returns the times of attempts of this message.
    pub(crate) fn take(&self, message_id: &str) -> Vec<f64> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).remove(message_id).unwrap_or_default()
    }
}

async fn receive(
    State(arrivals): State<Arrivals>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message_id = header("upstash-message-id").to_owned();
    arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(message_id).or_default().push(now());

    let retried: usize = header("upstash-retried").parse().unwrap_or(0);
    let script = query.get("script").map_or("200.10", String::as_str);
    let steps: Vec<&str> = script.split(',').collect();
    let mut parts = steps[retried.min(steps.len() - 1)].split('.');
    let mut number = || parts.next().and_then(|part| part.parse::<u16>().ok());
    let (status, hold, retry_after) = (number().unwrap_or(200), number().unwrap_or(0), number());
    tokio::time::sleep(Duration::from_millis(hold.into())).await;
    let mut response = StatusCode::from_u16(status).unwrap_or(StatusCode::OK).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}
