//! The `Upstash-Signature` of a delivery: an HS256 JWT over URL and body.

use std::fmt;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::new_jwt_id;

/// `{"alg":"HS256","typ":"JWT"}` in base64url, and the following dot.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

/// `iss` of every token (QStash docs, "Verify signatures").
pub(crate) const ISSUER: &str = "Upstash";

/// Validity of a token in seconds (QStash docs, "Verify signatures").
const VALID_FOR: i64 = 300;

/// The age of `iat` in seconds. The Python receiver rejects a token with a future `iat` and has no tolerance, so a
/// receiver's clock may be slow by this much.
const ISSUED_EARLIER: i64 = 5;

/// Signs deliveries with one key.
///
/// The key is the bytes of the whole `sig_…` text, prefix included. Its HMAC state is computed once; each signature
/// clones it.
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
}

impl Signer {
    /// Creates a signer for this key, usually [`SigningKeys::current`](crate::SigningKeys::current).
    pub fn new(key: &str) -> Self {
        Self { mac: keyed(key) }
    }

    /// Returns a token for one attempt. Tokens expire after five minutes: create one for each attempt.
    ///
    /// `url` must be exactly the URL that the receiver assumes for itself. `nbf` is 0, as in the real service since
    /// September 2024.
    pub fn sign(&self, url: &str, body: &[u8], now: Timestamp) -> String {
        self.sign_with_id(url, body, now, &new_jwt_id())
    }

    pub(crate) fn sign_with_id(&self, url: &str, body: &[u8], now: Timestamp, id: &str) -> String {
        let claims = claims(url, body, now.as_second(), id);
        // 43 characters of the signature and the dot before it.
        let mut token = String::with_capacity(HEADER.len() + claims.len() * 4 / 3 + 48);
        token.push_str(HEADER);
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let mut mac = self.mac.clone();
        mac.update(token.as_bytes());
        let signature = mac.finalize().into_bytes();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}

/// Returns the state of an HMAC after its key.
pub(crate) fn keyed(key: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length")
}

/// Writes the claims as JSON. It does not serialize a struct: only two strings need escaping, and the rest is fixed.
fn claims(url: &str, body: &[u8], now: i64, id: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(url.len() + id.len() + 192);
    let mut write = || -> std::io::Result<()> {
        write!(json, r#"{{"iss":"{ISSUER}","sub":"#)?;
        serde_json::to_writer(&mut json, url)?;
        write!(json, r#","exp":{},"nbf":0,"iat":{},"jti":"#, now + VALID_FOR, now - ISSUED_EARLIER)?;
        serde_json::to_writer(&mut json, id)?;
        // Padded: QStash's verifiers strip the padding, third-party ones compare with it.
        write!(json, r#","body":"{}"}}"#, URL_SAFE.encode(Sha256::digest(body)))
    };
    // Writing to a vector cannot fail, nor can serializing a string.
    let _ = write();
    json
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Signer;
    use crate::DEV_CURRENT_KEY;

    /// Computed with Python's `hmac`, `hashlib` and `base64` by the rules that QStash documents.
    #[test]
    fn tokens_equal_independently_made_ones() {
        let signer = Signer::new(DEV_CURRENT_KEY);
        let now = Timestamp::from_second(1_755_856_800).unwrap();
        for (url, body, token) in [
            (
                r#"https://example.com/hook?a=1&b="x"\"#,
                r#"{"hello":"wörld"}"#,
                concat!(
                    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
                    "eyJpc3MiOiJVcHN0YXNoIiwic3ViIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9ob29rP2E9MSZiPVwieF",
                    "wiXFwiLCJleHAiOjE3NTU4NTcxMDAsIm5iZiI6MCwiaWF0IjoxNzU1ODU2Nzk1LCJqdGkiOiJqd3Rf",
                    "Z29sZGVuIiwiYm9keSI6IkZmNlRiVnBjU2xaTWpja0FJb0FBa21QQXpBdlE4bzRXWlNVcHFmZzdMU0",
                    "09In0.bCEveCT1Up4UJsxMXWpy-NFgyx7hydOedgyy0z8Ezyc",
                ),
            ),
            (
                "https://example.com",
                "",
                concat!(
                    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
                    "eyJpc3MiOiJVcHN0YXNoIiwic3ViIjoiaHR0cHM6Ly9leGFtcGxlLmNvbSIsImV4cCI6MTc1NTg1Nz",
                    "EwMCwibmJmIjowLCJpYXQiOjE3NTU4NTY3OTUsImp0aSI6Imp3dF9nb2xkZW4iLCJib2R5IjoiNDdE",
                    "RVFwajhIQlNhLV9USW1XLTVKQ2V1UWVSa201Tk1wSldaRzNoU3VGVT0ifQ.",
                    "45avHJu-pWOuTJ7vvUuQUf6rw9sZeyXcQjueouQM-8U",
                ),
            ),
        ] {
            assert_eq!(signer.sign_with_id(url, body.as_bytes(), now, "jwt_golden"), token);
        }
    }
}
