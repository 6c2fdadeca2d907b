//! The current signing keys of a process: replaced as a whole by a rotation, read by every delivery and every
//! verification.

use std::sync::{Arc, RwLock};

use sigpost_qstash::verify::DEFAULT_TOLERANCE;
use sigpost_qstash::{Signer, SigningKeys, Verifier};

/// A handle to the keys. Clones share them.
#[derive(Clone)]
pub struct KeyRing(Arc<RwLock<Arc<Keys>>>);

/// One generation of keys, with the values computed from them.
pub struct Keys {
    /// The keys.
    pub signing_keys: SigningKeys,
    /// Signs with the current key.
    pub signer: Signer,
    /// Accepts the current and the next key.
    pub verifier: Verifier,
}

impl KeyRing {
    /// Creates a ring with these keys.
    pub fn new(keys: SigningKeys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Keys::new(keys)))))
    }

    /// Returns the current generation.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Replaces the keys; does nothing if they are the current ones.
    pub fn replace(&self, keys: SigningKeys) {
        if self.keys().signing_keys == keys {
            return;
        }
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(Keys::new(keys));
    }
}

impl Keys {
    fn new(signing_keys: SigningKeys) -> Self {
        Self {
            signer: Signer::new(&signing_keys.current),
            verifier: Verifier::new(&signing_keys, DEFAULT_TOLERANCE),
            signing_keys,
        }
    }
}
