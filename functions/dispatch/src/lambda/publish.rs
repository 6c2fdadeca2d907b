//! Crons of the deployment: publishes a job once per time.

use anyhow::{Context, Result, anyhow};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_qstash::{Destination, Options, Params};
use sigpost_runtime::ApiError;

use crate::App;
use crate::api::publish::recipients;
use crate::publication::Publication;

/// Deduplication window: EventBridge Scheduler retries for this time.
const WINDOW: &str = "24h";

/// Publishes a job as a request would. A repeated event publishes nothing.
pub(super) async fn publish(app: &App, url: &str, job: &Value, time: Timestamp) -> Result<Value> {
    let state = app.state();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        // Deduplication IDs must not contain colons.
        ("upstash-deduplication-id", format!("cron {time} {url}").replace(':', "").as_str()),
        ("upstash-sigpost-deduplication-window", WINDOW),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).context("url")?);
    }
    let rejected = |error: ApiError| anyhow!("publishing to {url:?} failed: {}", error.text());
    let options = Params::from_request(&headers, None)
        .and_then(|params| Options::parse(&params, &state.limits, Timestamp::now()))
        .map_err(|invalid| rejected(invalid.into()))?;
    let target = Destination::from_raw(url, None).map_err(|invalid| rejected(invalid.into()))?;
    let publication = Publication {
        recipients: recipients(state, target).await.map_err(rejected)?,
        options,
        body: Bytes::from(serde_json::to_vec(job)?),
        caller_ip: None,
        schedule_id: None,
    };
    let published = publication.publish(&state.intake, &state.deduplicating, None).await?;
    Ok(json!({ "published": published }))
}
