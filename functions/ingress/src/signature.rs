//! Common parts of both signature schemes: HMAC-SHA256, a timestamp, and several secrets.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// Maximum difference between the timestamp and now in seconds, as in the libraries of Stripe and Svix.
pub(crate) const TOLERANCE: i64 = 300;
/// Maximum number of signatures that are checked.
pub(crate) const MAX_SIGNATURES: usize = 10;

/// Reason for the rejection of a webhook. It contains no data of the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("Timestamp missing or invalid.")]
    NoTime,
    #[error("Timestamp more than 300 s in the past: a replay, or a wrong clock.")]
    TooOld,
    #[error("Timestamp more than 300 s in the future: a wrong clock.")]
    TooNew,
    #[error("Signature of scheme v1 missing.")]
    NoSignature,
    #[error("Signature does not match any secret.")]
    NoSecretFits,
}

/// HMAC key. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct Secret(Hmac<Sha256>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC takes keys of any length.
        Self(Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")))
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        parts.iter().fold(self.0.clone(), |mac, part| mac.chain_update(part))
    }

    #[cfg(test)]
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.mac(parts).finalize().into_bytes().to_vec()
    }
}

/// Checks that one of the signatures was made with one of the secrets over the concatenated parts. Compares in
/// constant time.
pub(crate) fn check(secrets: &[Secret], signatures: &[Vec<u8>], parts: &[&[u8]]) -> Result<(), Rejection> {
    if signatures.is_empty() {
        return Err(Rejection::NoSignature);
    }
    let fits = |secret: &Secret| {
        let mac = secret.mac(parts);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(Rejection::NoSecretFits) }
}

/// Checks that a timestamp in seconds is within [`TOLERANCE`] of now.
pub(crate) fn check_time(text: Option<&str>, now: Timestamp) -> Result<(), Rejection> {
    let at: i64 = text.and_then(|text| text.parse().ok()).ok_or(Rejection::NoTime)?;
    match now.as_second().saturating_sub(at) {
        ago if ago > TOLERANCE => Err(Rejection::TooOld),
        ago if ago < -TOLERANCE => Err(Rejection::TooNew),
        _ => Ok(()),
    }
}
