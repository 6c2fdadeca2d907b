//! Sealed payloads: encrypted by the publisher, decrypted by the handler. `messages`, the API and `job_executions` have
//! only the sealed text.
//!
//! ```text
//! v1.<key id>.<base64url of: nonce (12 bytes) | ciphertext | tag (16 bytes)>
//! ```
//!
//! AES-256-GCM with a random nonce per job and the job type as associated data, so a sealed text is invalid at the endpoint
//! of another type. Random nonces are safe for 2^32 jobs per key (NIST SP 800-38D, section 8.3): rotate before.
//!
//! To rotate: add the new key after the current one at all handlers, then move it to the first place everywhere (the first
//! key seals). Remove the old key when no message sealed with it is left, including dead letters.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sigpost_qstash::Invalid;

/// Key length of AES-256 in bytes.
const KEY_BYTES: usize = 32;
const MAX_ID_BYTES: usize = 64;

/// Keys by ID. The first one encrypts, all of them decrypt. Clones share them.
#[derive(Clone)]
pub struct SealingKeys(Arc<Vec<(String, RandomizedNonceKey)>>);

/// Error of decrypting a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The key with this ID is not configured (yet). A retry may help.
    UnknownKey(String),
    /// The text was sealed with another key or for another type, or was modified.
    Wrong,
}

impl SealingKeys {
    /// Parses `id:base64,id:base64`, with keys of 32 bytes (`openssl rand -base64 32`). An ID has 1 to 64 letters, digits,
    /// `-` and `_`.
    ///
    /// # Errors
    ///
    /// A key is invalid. The error has `field` and the key's ID, never a key.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let mut keys: Vec<(String, RandomizedNonceKey)> = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let invalid = |reason: String| Invalid::new(field, reason);
            let (id, key) = item
                .split_once(':')
                .filter(|(id, _)| is_id(id))
                .ok_or_else(|| invalid("must be a list of id:key, each key 32 bytes in base64".into()))?;
            let key = STANDARD.decode(key).ok().filter(|key| key.len() == KEY_BYTES);
            let key = key.and_then(|key| RandomizedNonceKey::new(&AES_256_GCM, &key).ok());
            let key = key.ok_or_else(|| invalid(format!("the key {id:?} must be 32 bytes in base64")))?;
            if keys.iter().any(|(earlier, _)| earlier == id) {
                return Err(invalid(format!("the key {id:?} is there twice")));
            }
            keys.push((id.to_owned(), key));
        }
        if keys.is_empty() {
            return Err(Invalid::new(field, "must have at least one key"));
        }
        Ok(Self(Arc::new(keys)))
    }

    /// Encrypts with the first key.
    pub(crate) fn seal(&self, job_type: &str, clear: &[u8]) -> Result<String, Invalid> {
        let failed = || Invalid::new(job_type, "cannot be sealed");
        let (id, key) = self.0.first().ok_or_else(failed)?;
        let mut sealed = clear.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(job_type), &mut sealed).map_err(|_| failed())?;
        let whole = [&nonce.as_ref()[..], &sealed].concat();
        Ok(format!("v1.{id}.{}", URL_SAFE_NO_PAD.encode(whole)))
    }

    /// Decrypts with the key that the text names.
    pub(crate) fn open(&self, job_type: &str, sealed: &str) -> Result<Vec<u8>, Unopened> {
        let (id, whole) = split(sealed).ok_or(Unopened::Wrong)?;
        let Some((_, key)) = self.0.iter().find(|(known, _)| known == id) else {
            return Err(Unopened::UnknownKey(id.to_owned()));
        };
        let mut whole = URL_SAFE_NO_PAD.decode(whole).map_err(|_| Unopened::Wrong)?;
        let (nonce, sealed) = whole.split_at_mut_checked(NONCE_LEN).ok_or(Unopened::Wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened::Wrong)?;
        let clear = key.open_in_place(nonce, Aad::from(job_type), sealed).map_err(|_| Unopened::Wrong)?;
        Ok(clear.to_vec())
    }
}

/// Returns the ID of the key of a sealed text.
pub(crate) fn key_id(sealed: &str) -> Option<&str> {
    split(sealed).map(|(id, _)| id)
}

fn split(sealed: &str) -> Option<(&str, &str)> {
    sealed.strip_prefix("v1.")?.split_once('.').filter(|(id, _)| is_id(id))
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(&str, u8)]) -> SealingKeys {
        let items: Vec<String> =
            ids.iter().map(|(id, byte)| format!("{id}:{}", STANDARD.encode([*byte; KEY_BYTES]))).collect();
        SealingKeys::parse("JOB_SEALING_KEYS", &items.join(", ")).expect("keys")
    }

    #[test]
    fn what_the_current_key_sealed_is_opened_as_long_as_the_key_is_there() {
        let sealed = keys(&[("old", 1)]).seal("greet", b"clear").expect("sealed");
        assert!(sealed.starts_with("v1.old.") && !sealed.contains("clear"), "{sealed}");
        let rotated = keys(&[("new", 2), ("old", 1)]);
        assert_eq!(rotated.open("greet", &sealed), Ok(b"clear".to_vec()));
        assert!(rotated.seal("greet", b"clear").expect("sealed").starts_with("v1.new."));
        assert_eq!(keys(&[("new", 2)]).open("greet", &sealed), Err(Unopened::UnknownKey("old".into())));
    }

    #[test]
    fn nothing_that_was_changed_or_is_for_others_is_opened() {
        let keys = keys(&[("a", 1)]);
        let sealed = keys.seal("greet", b"clear").expect("sealed");
        assert_ne!(sealed, keys.seal("greet", b"clear").expect("sealed"), "a nonce of its own each");
        assert_eq!(keys.open("other", &sealed), Err(Unopened::Wrong));
        let flipped = if sealed.ends_with('A') { "B" } else { "A" };
        let changed = format!("{}{flipped}{}", &sealed[..10], &sealed[11..]);
        for wrong in [&changed, &sealed[..30], "v1.a.", "v1.a.!", "v2.a.AAAA", "", "v1..AAAA"] {
            assert_eq!(keys.open("greet", wrong), Err(Unopened::Wrong), "{wrong}");
        }
        let other = super::tests::keys(&[("a", 2)]);
        assert_eq!(other.open("greet", &sealed), Err(Unopened::Wrong));
    }

    #[test]
    fn malformed_keys_are_rejected_and_never_shown() {
        for text in ["", "x", "a:c2hvcnQ=", ":AAAA", "a b:AAAA", "a:not base64 secret"] {
            let error = SealingKeys::parse("JOB_SEALING_KEYS", text).expect_err(text).to_string();
            assert!(error.starts_with("JOB_SEALING_KEYS: ") && !error.contains("secret"), "{error}");
        }
        assert_eq!(format!("{:?}", keys(&[("a", 1), ("b", 2)])), r#"["a", "b"]"#);
    }
}
