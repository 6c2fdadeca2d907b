//! Stripe's scheme: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>...]`, HMAC-SHA256 over `t.body`.
//! See <https://docs.stripe.com/webhooks#verify-manually>.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sigpost_jobs::Invalid;
use sigpost_jobs::payloads::ProcessStripeWebhook;

use crate::event;
use crate::signature::{MAX_SIGNATURES, Rejection, Secret, check, check_time};

/// Header with the signature.
pub(crate) const HEADER: &str = "stripe-signature";

/// Verifies the signature of a body.
pub(crate) fn verify(secrets: &[Secret], header: &str, body: &[u8], now: Timestamp) -> Result<(), Rejection> {
    let (mut time, mut signatures) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|item| item.trim().split_once('=')) {
        match name {
            "t" => time = Some(value),
            // Other schemes, such as v0, are for tests or not supported.
            "v1" if signatures.len() < MAX_SIGNATURES => signatures.extend(unhex(value)),
            _ => {}
        }
    }
    check_time(time, now)?;
    check(secrets, &signatures, &[time.unwrap_or_default().as_bytes(), b".", body])
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then(|| text.as_bytes().chunks(2).map(pair).collect()).flatten()
}

/// The used fields of an event of Stripe.
#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    created: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Map<String, Value>,
}

/// Returns the job for an event.
pub(crate) fn read(body: &[u8], headers: &HeaderMap) -> Result<ProcessStripeWebhook, Invalid> {
    let Event { id, r#type, created, data } = event::read(body)?;
    Ok(ProcessStripeWebhook {
        event_type: r#type,
        event_id: id,
        event_data: data.object,
        event_created: Some(created),
        customer_id: None,
        subscription_id: None,
        ip_address: event::sender(headers),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).expect("a time")
    }

    fn signature(secret: &str, at: i64, body: &str) -> String {
        let signed = Secret::new(secret.as_bytes()).sign(&[at.to_string().as_bytes(), b".", body.as_bytes()]);
        signed.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn verified(header: &str, body: &str) -> Result<(), Rejection> {
        let secrets = ["whsec_old", "whsec_new"].map(|secret| Secret::new(secret.as_bytes()));
        verify(&secrets, header, body.as_bytes(), now())
    }

    #[test]
    fn any_of_the_secrets_will_do_and_any_of_the_signatures() {
        for secret in ["whsec_old", "whsec_new"] {
            let good = signature(secret, NOW, "{}");
            assert_eq!(verified(&format!("t={NOW},v1={good}"), "{}"), Ok(()));
            assert_eq!(verified(&format!("t={NOW}, v0=00,v1=00ff,v1={good}"), "{}"), Ok(()));
        }
    }

    #[test]
    fn signature_is_believed_for_five_minutes() {
        for (at, expected) in [
            (NOW - 300, Ok(())),
            (NOW - 301, Err(Rejection::TooOld)),
            (NOW + 300, Ok(())),
            (NOW + 301, Err(Rejection::TooNew)),
        ] {
            let good = signature("whsec_old", at, "{}");
            assert_eq!(verified(&format!("t={at},v1={good}"), "{}"), expected, "{at}");
        }
    }

    #[test]
    fn what_was_not_signed_is_not_believed() {
        let good = signature("whsec_old", NOW, "{}");
        let foreign = signature("whsec_other", NOW, "{}");
        for (header, rejection) in [
            (format!("t={NOW},v1={foreign}"), Rejection::NoSecretFits),
            (format!("t={},v1={good}", NOW - 1), Rejection::NoSecretFits),
            (format!("t={NOW},v1={}", &good[..62]), Rejection::NoSecretFits),
            (format!("t={NOW},v0={good}"), Rejection::NoSignature),
            (format!("t={NOW},v1=x{}", &good[1..]), Rejection::NoSignature),
            (format!("v1={good}"), Rejection::NoTime),
            (format!("t=now,v1={good}"), Rejection::NoTime),
            (format!("t={},v1={good}", i64::MIN), Rejection::TooOld),
            (String::new(), Rejection::NoTime),
        ] {
            assert_eq!(verified(&header, "{}"), Err(rejection), "{header}");
        }
        assert_eq!(verified(&format!("t={NOW},v1={good}"), "{ }"), Err(Rejection::NoSecretFits));
    }
}
