//! The live signing keys of a process: replaced as a whole when they are rotated, read on every
//! delivery and every verification.

use std::sync::{Arc, RwLock};

use sigpost_qstash::verify::DEFAULT_TOLERANCE;
use sigpost_qstash::{Signer, SigningKeys, Verifier};

/// A handle that all clones share.
#[derive(Clone)]
pub struct KeyRing(Arc<RwLock<Arc<Keys>>>);

/// One generation of keys, with what is computed from them once.
pub struct Keys {
    /// The keys themselves.
    pub signing_keys: SigningKeys,
    /// Signs with the current key.
    pub signer: Signer,
    /// Accepts the current and the next key.
    pub verifier: Verifier,
}

impl KeyRing {
    /// A ring that holds these keys.
    pub fn new(keys: SigningKeys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Keys::new(keys)))))
    }

    /// The generation that is valid now.
    pub fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes over these keys; does nothing when they are the ones it has.
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
