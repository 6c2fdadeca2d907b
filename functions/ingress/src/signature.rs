//! What the signatures of both have in common: HMAC-SHA256, a time, and several secrets at once.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

/// How far the time of a signature may be from now, in seconds, as Stripe and Svix have it.
pub(crate) const TOLERANCE: i64 = 300;
/// More signatures than any rotation needs are not looked at.
pub(crate) const MAX_SIGNATURES: usize = 10;

/// Why a webhook is not believed. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("There is no readable time.")]
    NoTime,
    #[error("Its time is more than 300 s ago: a replay, or a clock that is wrong.")]
    TooOld,
    #[error("Its time is more than 300 s ahead: a clock that is wrong.")]
    TooNew,
    #[error("There is no signature of scheme v1.")]
    NoSignature,
    #[error("It fits none of the secrets.")]
    NoSecretFits,
}

/// A key of HMAC. Never shown.
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

/// Whether one of the signatures was made with one of the secrets, of these parts in a row. Compares
/// in constant time.
pub(crate) fn check(secrets: &[Secret], signatures: &[Vec<u8>], parts: &[&[u8]]) -> Result<(), Refusal> {
    if signatures.is_empty() {
        return Err(Refusal::NoSignature);
    }
    let fits = |secret: &Secret| {
        let mac = secret.mac(parts);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    if secrets.iter().any(fits) { Ok(()) } else { Err(Refusal::NoSecretFits) }
}

/// Whether a time in seconds is now, as far as clocks agree.
pub(crate) fn check_time(text: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
    let at: i64 = text.and_then(|text| text.parse().ok()).ok_or(Refusal::NoTime)?;
    match now.as_second().saturating_sub(at) {
        ago if ago > TOLERANCE => Err(Refusal::TooOld),
        ago if ago < -TOLERANCE => Err(Refusal::TooNew),
        _ => Ok(()),
    }
}
