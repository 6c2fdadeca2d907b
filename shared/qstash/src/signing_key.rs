//! The pair of signing keys.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token of QStash's local development server, which the SDKs contain (qstash-js, `dev-server/constants.ts`).
/// Public: it protects nothing.
pub const DEV_TOKEN: &str = "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=";
/// The current signing key of QStash's local development server. Public.
pub const DEV_CURRENT_KEY: &str = "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r";
/// The next signing key of QStash's local development server. Public.
pub const DEV_NEXT_KEY: &str = "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs";

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Characters of a key after `sig_`, as in QStash's own keys: 164 bits.
const KEY_CHARS: usize = 28;

/// The current key and the next one. Receivers have both, so that a rotation requires no simultaneous change on both
/// sides (QStash docs, "Roll signing keys").
///
/// Serializes as the response of `GET /v2/keys`. `Debug` shows no keys.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKeys {
    /// Signs every delivery.
    pub current: String,
    /// Accepted by receivers; signs after the next rotation.
    pub next: String,
}

impl SigningKeys {
    /// Generates two random keys.
    pub fn generate() -> Self {
        Self { current: fresh_key(), next: fresh_key() }
    }

    /// Makes the next key the current one, and generates a new next key.
    pub fn rotate(&self) -> Self {
        Self { current: self.next.clone(), next: fresh_key() }
    }

    /// Returns the development server's keys, which the SDKs' dev mode expects.
    pub fn dev() -> Self {
        Self { current: DEV_CURRENT_KEY.to_owned(), next: DEV_NEXT_KEY.to_owned() }
    }

    /// Returns whether either key is one of the public development keys: such signatures prove nothing. Still true
    /// after one rotation of [`dev`](Self::dev).
    pub fn is_dev(&self) -> bool {
        [&self.current, &self.next].into_iter().any(|key| key == DEV_CURRENT_KEY || key == DEV_NEXT_KEY)
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeys(..)")
    }
}

fn fresh_key() -> String {
    let mut key = String::with_capacity(4 + KEY_CHARS);
    key.push_str("sig_");
    for _ in 0..KEY_CHARS {
        key.push(char::from(BASE58[rand::random_range(0..BASE58.len())]));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::SigningKeys;

    #[test]
    fn rotation_moves_next_to_current() {
        let keys = SigningKeys::generate();
        let rotated = keys.rotate();
        assert_eq!(rotated.current, keys.next);
        assert_ne!(rotated.next, keys.next);
        assert_eq!(rotated.next.len(), 32);
        assert!(rotated.next.starts_with("sig_"));
    }

    #[test]
    fn dev_keys_are_recognised_until_both_are_gone() {
        let keys = SigningKeys::dev();
        assert!(keys.is_dev());
        assert!(keys.rotate().is_dev());
        assert!(!keys.rotate().rotate().is_dev());
    }

    #[test]
    fn debug_output_holds_no_key() {
        let keys = SigningKeys::generate();
        let text = format!("{keys:?}");
        assert!(!text.contains("sig_"), "{text}");
    }
}
