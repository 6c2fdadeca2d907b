//! Verification of the signature and the headers of a delivery.

use axum::http::HeaderMap;
use jiff::Timestamp;
use sigpost_qstash::names::{UPSTASH_MESSAGE_ID, UPSTASH_ORIGINAL_MESSAGE_ID, UPSTASH_RETRIED, UPSTASH_SIGNATURE};
use sigpost_qstash::{KeyUsed, Verifier};

use super::{Answer, Request};
use crate::Invalid;

/// Maximum length of a message ID in bytes. IDs of QStash and sigpost are shorter.
const MAX_ID_BYTES: usize = 256;

/// A delivery with a valid signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) message_id: String,
    /// For a redriven message, the message that was published first.
    pub(super) original_message_id: Option<String>,
    /// Number of the attempt, from 1.
    pub(super) attempt: u32,
}

/// Verifies the signature over URL and body with the current and the next key. The reason of a failure is only logged, so
/// that the response does not help an attacker.
pub(super) fn verify(verifier: &Verifier, url: &str, request: &Request, now: Timestamp) -> Result<Verified, Answer> {
    let Some(token) = text(&request.headers, UPSTASH_SIGNATURE) else {
        tracing::warn!(url, "[jobs] Missing QStash signature header");
        return Err(Answer::MissingSignature);
    };
    let verified = verifier.verify(token, url, &request.body, now).map_err(|why| {
        tracing::warn!(url, %why, "[jobs] Invalid QStash signature");
        Answer::InvalidSignature
    })?;
    if verified.key == KeyUsed::Next {
        tracing::debug!("signature made with the next key: the sender has rotated its keys");
    }
    Ok(Verified {
        message_id: message_id(&request.headers, verified.jwt_id)?,
        original_message_id: original_message_id(&request.headers)?,
        attempt: attempt(&request.headers),
    })
}

/// Returns the message ID. QStash and sigpost always send it. For other signers it is the ID of the token, which then is
/// valid for one run.
fn message_id(headers: &HeaderMap, jwt_id: String) -> Result<String, Answer> {
    checked("Upstash-Message-Id", text(headers, UPSTASH_MESSAGE_ID).map_or(jwt_id, str::to_owned))
}

/// Returns the original message ID, which only redriven messages have.
fn original_message_id(headers: &HeaderMap) -> Result<Option<String>, Answer> {
    let id = text(headers, UPSTASH_ORIGINAL_MESSAGE_ID);
    id.map(|id| checked("Upstash-Original-Message-Id", id.to_owned())).transpose()
}

fn checked(header: &'static str, id: String) -> Result<String, Answer> {
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(Answer::Invalid(Invalid::new(header, "must be 1 to 256 characters")));
    }
    Ok(id)
}

fn attempt(headers: &HeaderMap) -> u32 {
    text(headers, UPSTASH_RETRIED).and_then(|text| text.parse().ok()).unwrap_or(0_u32).saturating_add(1)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Bytes;
    use axum::http::HeaderValue;
    use sigpost_qstash::{Signer, SigningKeys};

    use super::*;

    const URL: &str = "https://a.example/api/jobs/email";

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().expect("name"), HeaderValue::from_str(value).expect("value")))
            .collect();
        Request { headers, body: Bytes::from_static(b"{}") }
    }

    fn check(request: &Request) -> Result<Verified, Answer> {
        let keys = SigningKeys { current: "sig_current".into(), next: "sig_next".into() };
        verify(&Verifier::new(&keys, Duration::from_secs(5)), URL, request, Timestamp::now())
    }

    fn signed(key: &str, url: &str) -> String {
        Signer::new(key).sign(url, b"{}", Timestamp::now())
    }

    #[test]
    fn either_key_is_accepted_and_no_other() {
        for (key, accepted) in [("sig_current", true), ("sig_next", true), ("sig_former", false)] {
            let request = request(&[("upstash-signature", &signed(key, URL)), ("upstash-message-id", "msg_1")]);
            assert_eq!(check(&request).is_ok(), accepted, "{key}");
        }
    }

    #[test]
    fn missing_and_wrong_signatures_are_told_apart() {
        assert!(matches!(check(&request(&[])), Err(Answer::MissingSignature)));
        assert!(matches!(check(&request(&[("upstash-signature", "")])), Err(Answer::MissingSignature)));
        assert!(matches!(check(&request(&[("upstash-signature", "x.y.z")])), Err(Answer::InvalidSignature)));
        let elsewhere = signed("sig_current", "https://b.example/api/jobs/email");
        assert!(matches!(check(&request(&[("upstash-signature", &elsewhere)])), Err(Answer::InvalidSignature)));
        let mut tampered = request(&[("upstash-signature", &signed("sig_current", URL))]);
        tampered.body = Bytes::from_static(b"{ }");
        assert!(matches!(check(&tampered), Err(Answer::InvalidSignature)));
    }

    #[test]
    fn attempt_is_one_more_than_the_retries_before_it() {
        let token = signed("sig_current", URL);
        let base = [("upstash-signature", token.as_str()), ("upstash-message-id", "msg_1")];
        for (retried, attempt) in [("0", 1), ("2", 3), ("4294967295", u32::MAX), ("x", 1)] {
            let request = request(&[&base[..], &[("upstash-retried", retried)]].concat());
            let expected = Verified { message_id: "msg_1".into(), original_message_id: None, attempt };
            assert_eq!(check(&request).expect("valid"), expected);
        }
    }

    #[test]
    fn without_a_message_id_the_tokens_own_id_is_it() {
        let request = request(&[("upstash-signature", &signed("sig_current", URL))]);
        assert!(check(&request).expect("valid").message_id.starts_with("jwt_"));
        let long = "m".repeat(257);
        let request =
            self::request(&[("upstash-signature", &signed("sig_current", URL)), ("upstash-message-id", &long)]);
        assert!(matches!(check(&request), Err(Answer::Invalid(_))));
    }

    #[test]
    fn redriven_message_names_its_original() {
        let token = signed("sig_current", URL);
        let base = [("upstash-signature", token.as_str()), ("upstash-message-id", "msg_2")];
        let original = |id: &str| check(&request(&[&base[..], &[("upstash-original-message-id", id)]].concat()));
        let verified = original("msg_1").expect("valid");
        assert_eq!((&*verified.message_id, verified.original_message_id.as_deref()), ("msg_2", Some("msg_1")));
        assert!(matches!(original(&"m".repeat(257)), Err(Answer::Invalid(_))));
    }
}
