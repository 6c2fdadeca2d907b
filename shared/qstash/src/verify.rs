//! Verifies an `Upstash-Signature`, for sigpost's own receivers.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::SigningKeys;
use crate::sign::{ISSUER, keyed};

/// The default tolerance between two clocks.
pub const DEFAULT_TOLERANCE: Duration = Duration::from_secs(5);

/// Maximum length of a token: the longest URL, escaped and encoded, is far shorter.
const MAX_TOKEN_BYTES: usize = 128 * 1024;

/// Verifies tokens signed with either of two keys.
#[derive(Clone)]
pub struct Verifier {
    current: Hmac<Sha256>,
    next: Hmac<Sha256>,
    tolerance_seconds: f64,
}

/// The key that a token was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUsed {
    /// The current key.
    Current,
    /// The next key: the sender has rotated its keys, this receiver has not yet.
    Next,
}

/// A valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that matched.
    pub key: KeyUsed,
    /// `jti` of the token; empty if absent.
    pub jwt_id: String,
}

/// Why a token was rejected. Contains no part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not three base64url parts with JSON in the first two, or a claim is missing.
    #[error("the token is malformed")]
    Malformed,
    /// Not HS256. The algorithm is never taken from the token.
    #[error("the token is not signed with HS256")]
    WrongAlgorithm,
    /// Has extensions that a receiver must understand, and this one does not.
    #[error("the token has a critical extension, which is not supported")]
    CriticalExtension,
    /// Neither key matches.
    #[error("the signature matches neither key")]
    WrongSignature,
    /// Not from QStash.
    #[error("the issuer is not {ISSUER}")]
    WrongIssuer,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// Not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Made for another URL.
    #[error("the token is for another URL")]
    WrongUrl,
    /// Made for another body.
    #[error("the token is for another body")]
    WrongBody,
}

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    /// Extensions that a receiver must understand (RFC 7515 section 4.1.11); this one supports none.
    #[serde(default, rename = "crit")]
    critical: Option<IgnoredAny>,
}

/// Dates may have decimals (RFC 7519, NumericDate). `iat` is not checked: nothing depends on it, and checking it
/// makes the Python receiver intolerant of clock differences.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: f64,
    #[serde(default)]
    jti: String,
    body: String,
}

impl Verifier {
    /// Creates a verifier for these keys; `tolerance` is the maximum difference of the clocks, usually
    /// [`DEFAULT_TOLERANCE`].
    pub fn new(keys: &SigningKeys, tolerance: Duration) -> Self {
        Self { current: keyed(&keys.current), next: keyed(&keys.next), tolerance_seconds: tolerance.as_secs_f64() }
    }

    /// Checks the token of a request that arrived at `url` with `body`.
    ///
    /// # Errors
    ///
    /// The first failed check. Claims are not read before the signature is verified.
    pub fn verify(&self, token: &str, url: &str, body: &[u8], now: Timestamp) -> Result<Verified, SignatureError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignatureError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(SignatureError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(SignatureError::Malformed)?;
        if claims.contains('.') {
            return Err(SignatureError::Malformed);
        }
        let header: JoseHeader = decode_json(header)?;
        if header.alg != "HS256" {
            return Err(SignatureError::WrongAlgorithm);
        }
        if header.critical.is_some() {
            return Err(SignatureError::CriticalExtension);
        }
        let key = self.key_used(signed, &decode(signature)?)?;
        let claims: Claims = decode_json(claims)?;
        self.check_claims(&claims, url, body, now)?;
        Ok(Verified { key, jwt_id: claims.jti })
    }

    /// Compares in constant time, so that the timing reveals nothing about the expected MAC.
    fn key_used(&self, signed: &str, signature: &[u8]) -> Result<KeyUsed, SignatureError> {
        [(&self.current, KeyUsed::Current), (&self.next, KeyUsed::Next)]
            .into_iter()
            .find_map(|(mac, key)| {
                let mut mac = mac.clone();
                mac.update(signed.as_bytes());
                mac.verify_slice(signature).ok().map(|()| key)
            })
            .ok_or(SignatureError::WrongSignature)
    }

    fn check_claims(&self, claims: &Claims, url: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        let now = now.as_millisecond() as f64 / 1000.0;
        if claims.iss != ISSUER {
            return Err(SignatureError::WrongIssuer);
        }
        if claims.exp <= now - self.tolerance_seconds {
            return Err(SignatureError::Expired);
        }
        if claims.nbf > now + self.tolerance_seconds {
            return Err(SignatureError::NotYetValid);
        }
        if claims.sub != url {
            return Err(SignatureError::WrongUrl);
        }
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(body));
        if claims.body.trim_end_matches('=') != hash {
            return Err(SignatureError::WrongBody);
        }
        Ok(())
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(..)")
    }
}

fn decode(part: &str) -> Result<Vec<u8>, SignatureError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| SignatureError::Malformed)
}

fn decode_json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, SignatureError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| SignatureError::Malformed)
}

#[cfg(test)]
mod tests;
