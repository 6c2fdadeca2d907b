//! Builds the signed request of an attempt.

use std::fmt::Display;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use sigpost_qstash::{Traceparent, names};
use sigpost_runtime::key_ring::Keys;
use sigpost_runtime::outgoing::{Failure, Request};

use sigpost_store::claim::Lease;

use super::destinations::Destination;

// Static, because otherwise each name would be validated again for each delivery.
static SIGNATURE: HeaderName = HeaderName::from_static(names::UPSTASH_SIGNATURE);
static MESSAGE_ID: HeaderName = HeaderName::from_static(names::UPSTASH_MESSAGE_ID);
static RETRIED: HeaderName = HeaderName::from_static(names::UPSTASH_RETRIED);
static CALLER_IP: HeaderName = HeaderName::from_static(names::UPSTASH_CALLER_IP);
static TOPIC_NAME: HeaderName = HeaderName::from_static(names::UPSTASH_TOPIC_NAME);
static SCHEDULE_ID: HeaderName = HeaderName::from_static(names::UPSTASH_SCHEDULE_ID);
static TRACEPARENT: HeaderName = HeaderName::from_static(names::TRACEPARENT);

/// Number of fields that most deliveries and the client add to those of the message. The map gets capacity for them, to
/// avoid reallocation.
const ADDED_FIELDS: usize = 8;

/// Builds the request of an attempt. It is signed now, because signatures expire after minutes. With tracing, the request
/// has the context of its span.
pub(super) fn request(
    destination: &Destination,
    lease: &Lease,
    keys: &Keys,
    place: Option<&Traceparent>,
) -> Result<Request, Failure> {
    let message = &lease.message;
    let method =
        Method::from_bytes(message.method.as_str().as_bytes()).map_err(|why| Failure::Unsendable(why.to_string()))?;
    let mut headers = message.header.to_http_with_room(ADDED_FIELDS);
    if let Some(authorization) = &destination.authorization {
        headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
    }
    // hyper omits it for an empty body, and some servers then return 411.
    if message.body.is_empty() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    }
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(names::USER_AGENT));
    let signature = keys.signer.sign(destination.called.signed(), &message.body, Timestamp::now());
    set(&mut headers, &SIGNATURE, signature)?;
    set(&mut headers, &MESSAGE_ID, message.id.to_string())?;
    headers.insert(&RETRIED, HeaderValue::from(lease.retried));
    for (name, value) in [
        (&CALLER_IP, &message.caller_ip),
        (&TOPIC_NAME, &message.extras.topic_name),
        (&SCHEDULE_ID, &message.extras.schedule_id),
    ] {
        if let Some(value) = value {
            set(&mut headers, name, value.as_str())?;
        }
    }
    if let Some(place) = place {
        set(&mut headers, &TRACEPARENT, place.to_string())?;
    }
    Ok(Request { method, headers, body: message.body.clone() })
}

/// Sets a header. A `String` becomes its value without a copy.
fn set<V>(headers: &mut HeaderMap, name: &HeaderName, value: V) -> Result<(), Failure>
where
    HeaderValue: TryFrom<V, Error: Display>,
{
    let value = HeaderValue::try_from(value).map_err(|why| Failure::Unsendable(format!("{name}: {why}")))?;
    headers.insert(name, value);
    Ok(())
}
