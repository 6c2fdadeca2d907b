//! Cache of token lookups.

use std::collections::HashMap;
use std::time::Duration;

use sigpost_store::api_tokens::{Grant, TokenHash};
use tokio::time::Instant;

/// How long a lookup is cached. A revoked token stays valid for this time at most.
pub(super) const KEPT: Duration = Duration::from_secs(10);
/// Maximum number of cached lookups, because requests can have any number of invalid tokens.
const MOST: usize = 1024;

/// Lookups by hash. `None` is cached too, so that a revoked token does not cause a query per request.
#[derive(Default)]
pub(super) struct Cache(HashMap<TokenHash, (Option<Grant>, Instant)>);

impl Cache {
    /// Returns the cached lookup unless it has expired.
    pub(super) fn get(&self, hash: TokenHash, now: Instant) -> Option<Option<Grant>> {
        self.0.get(&hash).filter(|(_, asked_at)| now < *asked_at + KEPT).map(|(grant, _)| *grant)
    }

    /// Caches a lookup of `asked_at`. If the cache is full, expired lookups are evicted first and then those of invalid
    /// tokens, so that invalid tokens do not evict valid ones.
    pub(super) fn insert(&mut self, hash: TokenHash, grant: Option<Grant>, asked_at: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (_, earlier)| asked_at < *earlier + KEPT);
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, (grant, _)| grant.is_some());
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(hash, (grant, asked_at));
    }
}

#[cfg(test)]
mod tests {
    use sigpost_store::api_tokens::{Grant, Scope, TokenHash};
    use tokio::time::Instant;

    use super::{Cache, KEPT, MOST};

    const GRANT: Option<Grant> = Some(Grant { scope: Scope::Read, rate_limit: None });

    fn hash(number: usize) -> TokenHash {
        TokenHash::of(&number.to_be_bytes())
    }

    #[test]
    fn an_answer_counts_until_its_time_is_over() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.insert(hash(1), GRANT, now);
        cache.insert(hash(2), None, now);
        let last = now + KEPT - std::time::Duration::from_nanos(1);
        assert_eq!((cache.get(hash(1), last), cache.get(hash(2), last)), (Some(GRANT), Some(None)));
        assert_eq!((cache.get(hash(1), now + KEPT), cache.get(hash(2), now + KEPT)), (None, None));
        assert_eq!(cache.get(hash(3), now), None);
    }

    #[test]
    fn any_number_of_wrong_tokens_takes_bounded_room_and_pushes_no_real_one_out() {
        let (mut cache, now) = (Cache::default(), Instant::now());
        cache.insert(hash(0), GRANT, now);
        for number in 1..5 * MOST {
            cache.insert(hash(number), None, now);
            assert!(cache.0.len() <= MOST);
        }
        assert_eq!(cache.get(hash(0), now), Some(GRANT));
        assert_eq!(cache.get(hash(5 * MOST - 1), now), Some(None));
    }
}
