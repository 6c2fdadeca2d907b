//! Routes of the function.

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
use sigpost_qstash::ErrorCode;
use sigpost_runtime::{ApiError, Reading, RequestId};
use sigpost_store::{Database, url};

use crate::enqueue::enqueue_once;
use crate::resend::SvixHeaders;
use crate::{Config, resend, stripe};

/// Maximum size of a body in bytes, several times that of Stripe's largest events.
const MAX_BODY_BYTES: usize = 1_000_000;

struct Ingress {
    config: Config,
    database: Database,
}

/// Returns the routes `POST /webhooks/stripe` and `POST /webhooks/resend`.
pub fn router(config: Config, database: Database) -> Router {
    Router::new()
        .route("/webhooks/stripe", post(receive_from_stripe))
        .route("/webhooks/resend", post(receive_from_resend))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(Ingress { config, database }))
}

/// Returns the routes, configured from the environment: see [`Config::read`], and `DATABASE_URL`.
///
/// # Errors
///
/// Names all variables that are missing or invalid.
pub fn router_from_env() -> Result<Router> {
    let mut reading = Reading::of_process();
    let config = Config::read(&mut reading);
    let database = url::database(&mut reading, "ingress");
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
        return Err(ApiError::not_found("STRIPE_WEBHOOK_SECRET is not set"));
    }
    let Some(signature) = headers.get(stripe::HEADER).and_then(|value| value.to_str().ok()) else {
        return Err(rejected("stripe", "Webhook signature header missing.".into()));
    };
    stripe::verify(secrets, signature, &body, Timestamp::now())
        .map_err(|why| rejected("stripe", format!("Webhook signature verification failed. {why}")))?;
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
        return Err(ApiError::not_found("RESEND_WEBHOOK_SECRET is not set"));
    }
    let svix = SvixHeaders::of(&headers)
        .map_err(|name| rejected("resend", format!("Invalid signature. Header {name} missing.")))?;
    resend::verify(secrets, svix, &body, Timestamp::now())
        .map_err(|why| rejected("resend", format!("Invalid signature. {why}")))?;
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
        _ => Invalid::new("body", "the connection closed before the body was complete").into(),
    })
}

/// Logs the rejection and returns a 400 with the reason, as both providers expect.
fn rejected(source: &str, text: String) -> ApiError {
    tracing::warn!(request_id = %RequestId::current(), source, reason = text, "webhook rejected");
    ApiError::bad_request(text)
}

/// Logs the error of a verified but invalid webhook. The response names the field, for the log of the sender.
fn invalid(invalid: Invalid) -> ApiError {
    let request_id = RequestId::current();
    tracing::error!(%request_id, field = invalid.field, "invalid payload of a verified webhook");
    ApiError::new(ErrorCode::InvalidBody, format!("Invalid payload. {invalid}"))
}
