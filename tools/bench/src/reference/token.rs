//! The signature of an attempt: a JWT (HS256) with the hash of the body.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// `{"alg":"HS256","typ":"JWT"}` and the dot after it.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
const KEY: &[u8] = b"sig_reference_reference_reference";
const VALID_FOR_S: u64 = 300;

/// Signs for one destination.
#[derive(Clone)]
pub(super) struct Signer {
    mac: Hmac<Sha256>,
    url: String,
}

impl Signer {
    pub(super) fn new(url: String) -> Self {
        Self { mac: Hmac::new_from_slice(KEY).expect("HMAC takes keys of any length"), url }
    }

    /// Creates a token for one attempt.
    pub(super) fn sign(&self, job: i64, body: &[u8]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (url, hash) = (&self.url, URL_SAFE_NO_PAD.encode(Sha256::digest(body)));
        let claims = format!(
            r#"{{"iss":"reference","sub":"{url}","exp":{},"nbf":{now},"iat":{now},"jti":"jwt_{job}","body":"{hash}"}}"#,
            now + VALID_FOR_S
        );
        let mut token = HEADER.to_owned();
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mut mac = self.mac.clone();
        mac.update(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_has_three_parts_and_the_hash_of_the_body() {
        let token = Signer::new("http://127.0.0.1:1/job".to_owned()).sign(7, b"{}");
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts: {token}") };
        assert_eq!(URL_SAFE_NO_PAD.decode(header).expect("base64"), br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
        // The SHA-256 of `{}`.
        assert_eq!(claims["body"], "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o");
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).expect("base64").len(), 32);
    }
}
