//! The two entrances.

use std::sync::Arc;

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};
use sigpost_jobs::Invalid;
use sigpost_runtime::{ApiError, Reading};
use sigpost_store::{Database, url};

use crate::enqueue::enqueue_once;
use crate::resend::SvixHeaders;
use crate::{Config, resend, stripe};

/// The largest body that is read, in bytes: several times what Stripe's largest events have.
const MAX_BODY_BYTES: usize = 1_000_000;
/// Connections of a process that answers several at once.
const DATABASE_CONNECTIONS: usize = 4;

struct Ingress {
    config: Config,
    database: Database,
}

/// `POST /webhooks/stripe` and `POST /webhooks/resend`.
pub fn router(config: Config, database: Database) -> Router {
    Router::new()
        .route("/webhooks/stripe", post(receive_from_stripe))
        .route("/webhooks/resend", post(receive_from_resend))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(Ingress { config, database }))
}

/// The same, configured by the environment: see [`Config::read`]; `DATABASE_URL` as everywhere.
///
/// # Errors
///
/// All variables that are missing or malformed, by their names.
pub fn router_from_env() -> Result<Router> {
    let mut reading = Reading::of_process();
    let config = Config::read(&mut reading);
    let database = url::database(&mut reading, DATABASE_CONNECTIONS);
    let (config, database) = reading.finish(config.zip(database))?;
    Ok(router(config, database))
}

type Received = Result<Bytes, BytesRejection>;

async fn receive_from_stripe(
    State(ingress): State<Arc<Ingress>>,
    headers: HeaderMap,
    body: Received,
) -> Result<Json<Value>, ApiError> {
    let body = whole(body)?;
    let secrets = &ingress.config.stripe;
    if secrets.is_empty() {
        return Err(ApiError::not_found("STRIPE_WEBHOOK_SECRET is not set here"));
    }
    let Some(signature) = headers.get(stripe::HEADER).and_then(|value| value.to_str().ok()) else {
        return Err(refused("stripe", "Webhook signature header missing.".into()));
    };
    stripe::verify(secrets, signature, &body, Timestamp::now())
        .map_err(|why| refused("stripe", format!("Webhook signature verification failed. {why}")))?;
    let job = stripe::read(&body, &headers).map_err(invalid)?;
    let event_id = format!("stripe-{}", job.event_id);
    enqueue_once(&ingress.database, &ingress.config.handlers, &job, event_id).await?;
    Ok(Json(json!({ "received": true })))
}

async fn receive_from_resend(
    State(ingress): State<Arc<Ingress>>,
    headers: HeaderMap,
    body: Received,
) -> Result<Json<Value>, ApiError> {
    let body = whole(body)?;
    let secrets = &ingress.config.resend;
    if secrets.is_empty() {
        return Err(ApiError::not_found("RESEND_WEBHOOK_SECRET is not set here"));
    }
    let svix = SvixHeaders::of(&headers)
        .map_err(|name| refused("resend", format!("Invalid signature. The header {name} is missing.")))?;
    resend::verify(secrets, svix, &body, Timestamp::now())
        .map_err(|why| refused("resend", format!("Invalid signature. {why}")))?;
    match resend::read(&body).map_err(invalid)? {
        Ok(job) => {
            enqueue_once(&ingress.database, &ingress.config.handlers, &job, format!("resend-{}", svix.id)).await?;
            Ok(Json(json!({ "message": "Webhook received" })))
        }
        Err(event) => Ok(Json(json!({ "message": "Webhook received", "ignored": event }))),
    }
}

fn whole(body: Received) -> Result<Bytes, ApiError> {
    body.map_err(|why| match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(MAX_BODY_BYTES),
        _ => ApiError::bad_request("body: it could not be read to its end"),
    })
}

/// As both providers expect it: 400, and what is wrong in words.
fn refused(source: &str, text: String) -> ApiError {
    tracing::warn!(source, reason = text, "a webhook was refused");
    ApiError::bad_request(text)
}

/// Signed, and yet not readable: whoever looks at the sender's log finds the field.
fn invalid(invalid: Invalid) -> ApiError {
    tracing::error!(field = invalid.field, "a webhook that was verified cannot be read");
    ApiError::bad_request(format!("Invalid payload. {invalid}"))
}
