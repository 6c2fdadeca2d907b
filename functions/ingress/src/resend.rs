//! Resend signs as Svix does: `svix-id`, `svix-timestamp`, and `svix-signature: v1,<base64>[ v1,<base64>...]`,
//! HMAC-SHA256 over `id.timestamp.body`. See <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sigpost_jobs::Invalid;
use sigpost_jobs::payloads::ProcessWebhook;

use crate::event;
use crate::signature::{MAX_SIGNATURES, Rejection, Secret, check, check_time};

/// Supported events.
const EVENTS: [&str; 5] = ["email.sent", "email.delivered", "email.failed", "email.bounced", "email.complained"];

/// Signature headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SvixHeaders<'a> {
    /// Event ID, the same for all delivery attempts.
    pub(crate) id: &'a str,
    timestamp: &'a str,
    signature: &'a str,
}

impl<'a> SvixHeaders<'a> {
    /// Reads the headers. The error is the name of a missing header.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, &'static str> {
        let header = |name: &'static str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty()).ok_or(name)
        };
        Ok(Self { id: header("svix-id")?, timestamp: header("svix-timestamp")?, signature: header("svix-signature")? })
    }
}

/// Parses a secret of Svix: `whsec_` followed by base64.
pub(crate) fn secret(text: &str) -> Option<Secret> {
    let key = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
    (!key.is_empty()).then(|| Secret::new(&key))
}

/// Verifies the signature of a body.
pub(crate) fn verify(
    secrets: &[Secret],
    headers: SvixHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Rejection> {
    let SvixHeaders { id, timestamp, signature } = headers;
    check_time(Some(timestamp), now)?;
    let signatures = signature.split(' ').filter_map(|item| item.strip_prefix("v1,"));
    let signatures: Vec<_> = signatures.take(MAX_SIGNATURES).filter_map(|text| STANDARD.decode(text).ok()).collect();
    check(secrets, &signatures, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
}

/// The used fields of an event of Resend.
#[derive(Deserialize)]
struct Event {
    r#type: String,
    created_at: Timestamp,
    data: Map<String, Value>,
}

/// Returns the job for an event, or the type of an unsupported event.
pub(crate) fn read(body: &[u8]) -> Result<Result<ProcessWebhook, String>, Invalid> {
    let Event { r#type, created_at, data } = event::read(body)?;
    if !EVENTS.contains(&r#type.as_str()) {
        return Ok(Err(r#type));
    }
    let source = "resend".to_owned();
    Ok(Ok(ProcessWebhook { source, event: r#type, data, signature: None, occurred_at: Some(created_at) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const SECRETS: [&str; 2] = ["whsec_b2xk", "whsec_bmV3"];

    fn signature(key: &str, at: i64, body: &str) -> String {
        let signed = Secret::new(key.as_bytes()).sign(&[b"msg_1.", at.to_string().as_bytes(), b".", body.as_bytes()]);
        format!("v1,{}", STANDARD.encode(signed))
    }

    fn verified(timestamp: &str, signature: &str, body: &str) -> Result<(), Rejection> {
        let secrets = SECRETS.map(|text| secret(text).expect("a secret"));
        let now = Timestamp::from_second(NOW).expect("a time");
        verify(&secrets, SvixHeaders { id: "msg_1", timestamp, signature }, body.as_bytes(), now)
    }

    #[test]
    fn any_of_the_secrets_will_do_and_any_of_the_signatures() {
        for key in ["old", "new"] {
            let good = signature(key, NOW, "{}");
            assert_eq!(verified(&NOW.to_string(), &good, "{}"), Ok(()));
            assert_eq!(verified(&NOW.to_string(), &format!("v1a,xyz v1,AAAA {good}"), "{}"), Ok(()));
        }
    }

    #[test]
    fn what_was_not_signed_now_is_not_believed() {
        let good = signature("old", NOW, "{}");
        let text = |at: i64| at.to_string();
        assert_eq!(verified(&text(NOW), &good, "{ }"), Err(Rejection::NoSecretFits));
        assert_eq!(verified(&text(NOW + 1), &good, "{}"), Err(Rejection::NoSecretFits));
        assert_eq!(verified(&text(NOW), &signature("other", NOW, "{}"), "{}"), Err(Rejection::NoSecretFits));
        assert_eq!(verified(&text(NOW), "v1,?", "{}"), Err(Rejection::NoSignature));
        assert_eq!(verified("soon", &good, "{}"), Err(Rejection::NoTime));
        assert_eq!(verified(&text(NOW - 301), &signature("old", NOW - 301, "{}"), "{}"), Err(Rejection::TooOld));
        assert_eq!(verified(&text(NOW + 301), &signature("old", NOW + 301, "{}"), "{}"), Err(Rejection::TooNew));
    }

    #[test]
    fn secret_is_svixs_or_none() {
        assert!(SECRETS.iter().all(|text| secret(text).is_some()));
        for text in ["", "whsec_", "b2xk", "whsec_?", "whsk_b2xk"] {
            assert!(secret(text).is_none(), "{text}");
        }
    }
}
