//! Data that deliveries to the same URL share: the parsed URL, its request target, and the address policy's decision
//! about a literal address. It depends only on the URL and on settings of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use sigpost_qstash::Called;
use sigpost_runtime::AddressPolicy;
use sigpost_runtime::outgoing::{Failure, Target};

/// Maximum number of cached URLs. A full cache is cleared, because LRU order would cost an update per delivery.
const MAX_DESTINATIONS: usize = 1024;
/// Maximum length of a cached URL in bytes. This limits the cache to about 6 MB.
const MAX_URL_BYTES: usize = 1024;

/// A URL that the policy allows.
pub(super) struct Destination {
    /// The URL as requested and signed.
    pub(super) called: Called,
    /// The target for the HTTP client.
    pub(super) target: Target,
    /// Credentials from user info in the URL, which earlier releases stored.
    pub(super) authorization: Option<HeaderValue>,
}

/// A cache of destinations by their stored URL.
pub(super) struct Destinations {
    policy: AddressPolicy,
    by_url: Mutex<HashMap<String, Arc<Destination>>>,
}

impl Destinations {
    pub(super) fn new(policy: &AddressPolicy) -> Self {
        Self { policy: policy.clone(), by_url: Mutex::default() }
    }

    /// Returns the destination of a stored URL.
    ///
    /// # Errors
    ///
    /// [`Failure::Unsendable`] if no request can be made of the URL, [`Failure::Rejected`] if the policy rejects the
    /// address in it. Neither is cached.
    pub(super) fn get(&self, url: &str) -> Result<Arc<Destination>, Failure> {
        if let Some(destination) = self.lock().get(url) {
            return Ok(Arc::clone(destination));
        }
        let destination = Arc::new(self.parse(url)?);
        if url.len() <= MAX_URL_BYTES {
            let mut by_url = self.lock();
            // Dropped without the lock.
            let _dropped = (by_url.len() >= MAX_DESTINATIONS).then(|| std::mem::take(&mut *by_url));
            by_url.insert(url.to_owned(), Arc::clone(&destination));
            drop(by_url);
        }
        Ok(destination)
    }

    fn parse(&self, url: &str) -> Result<Destination, Failure> {
        let called = Called::parse(url).map_err(|why| Failure::Unsendable(why.to_string()))?;
        self.policy.check_url(&called.url).map_err(|why| Failure::Rejected(why.to_string()))?;
        let target = Target::new(&called.url)?;
        let authorization = called.authorization.as_deref().and_then(|text| HeaderValue::try_from(text).ok());
        Ok(Destination { called, target, authorization })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Destination>>> {
        self.by_url.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_once() {
        let destinations = Destinations::new(&AddressPolicy::public_only());
        let first = destinations.get("https://example.com/hook").expect("a URL");
        let second = destinations.get("https://example.com/hook").expect("a URL");
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.called.signed(), "https://example.com/hook");
    }

    #[test]
    fn the_cache_is_bounded() {
        let destinations = Destinations::new(&AddressPolicy::public_only());
        for number in 0..MAX_DESTINATIONS + 10 {
            destinations.get(&format!("https://example.com/{number}")).expect("a URL");
        }
        assert_eq!(destinations.lock().len(), 10);
        destinations.get(&format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES))).expect("a URL");
        assert_eq!(destinations.lock().len(), 10);
    }

    #[test]
    fn an_address_that_the_policy_rejects_is_never_cached() {
        let destinations = Destinations::new(&AddressPolicy::public_only());
        for _ in 0..2 {
            let rejected = destinations.get("http://127.0.0.1/");
            assert!(matches!(rejected.map(drop), Err(Failure::Rejected(_))));
        }
        assert!(matches!(destinations.get("nowhere").map(drop), Err(Failure::Unsendable(_))));
        assert!(destinations.lock().is_empty());
    }
}
