//! Authentication by tokens: the deployment's token (`QSTASH_TOKEN`) is in memory; named tokens are looked up by hash and
//! cached.

mod cache;
pub(crate) mod rate_limit;

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sigpost_store::api_tokens::{Grant, Scope, TokenHash, find_live, is_well_formed};
use sigpost_store::{Database, Error};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::cache::Cache;
use self::rate_limit::{OverLimit, RateLimits};

/// Concurrent lookups: limits the database connections that requests with invalid tokens can use.
const LOOKUPS: usize = 2;
/// How long a request waits for its lookup to begin.
const LOOKUP_WAIT: Duration = Duration::from_secs(3);

/// The tokens of this process.
pub(crate) struct Tokens {
    /// The hash of the deployment's token. Hashes are compared in constant time for tokens of any length.
    own: TokenHash,
    database: Database,
    lookups: Semaphore,
    cache: Mutex<Cache>,
    rate_limits: RateLimits,
}

/// An authenticated caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    hash: TokenHash,
    grant: Grant,
}

impl Bearer {
    /// Returns the scope of the token.
    pub(crate) fn scope(&self) -> Scope {
        self.grant.scope
    }
}

impl Tokens {
    /// `own` is the deployment's token. The rate limit applies to it and to tokens without their own limit.
    pub(crate) fn new(own: &str, database: Database, default_rate_limit: Option<NonZeroU32>) -> Self {
        Self {
            own: TokenHash::of(own.as_bytes()),
            database,
            lookups: Semaphore::new(LOOKUPS),
            cache: Mutex::default(),
            rate_limits: RateLimits::new(default_rate_limit),
        }
    }

    /// Returns the caller of a token, or `None` if the token is invalid.
    ///
    /// # Errors
    ///
    /// The database is unavailable, for tokens that are not cached.
    pub(crate) async fn find(&self, token: &[u8]) -> Result<Option<Bearer>, Error> {
        let hash = TokenHash::of(token);
        if hash.0.ct_eq(&self.own.0).into() {
            return Ok(Some(Bearer { hash, grant: Grant { scope: Scope::Full, rate_limit: None } }));
        }
        if !is_well_formed(token) {
            return Ok(None);
        }
        let grant = self.remembered_or_looked_up(hash).await?;
        Ok(grant.map(|grant| Bearer { hash, grant }))
    }

    /// Counts a request against the rate limit of the token.
    pub(crate) fn count_request(&self, bearer: &Bearer) -> Result<(), OverLimit> {
        self.rate_limits.count(bearer.hash, bearer.grant.rate_limit, Instant::now())
    }

    async fn remembered_or_looked_up(&self, hash: TokenHash) -> Result<Option<Grant>, Error> {
        if let Some(remembered) = self.cache().get(hash, Instant::now()) {
            return Ok(remembered);
        }
        let Ok(Ok(_turn)) = timeout(LOOKUP_WAIT, self.lookups.acquire()).await else {
            return Err(Error::Unavailable("too many token lookups are waiting".into()));
        };
        // A concurrent request may have looked up the same token.
        if let Some(remembered) = self.cache().get(hash, Instant::now()) {
            return Ok(remembered);
        }
        // The age counts from before the query, which does not see later revocations.
        let asked_at = Instant::now();
        let grant = self.look_up(hash).await?;
        self.cache().insert(hash, grant, asked_at);
        Ok(grant)
    }

    /// Looks up a token. Retries once on a new connection if the first one is broken.
    async fn look_up(&self, hash: TokenHash) -> Result<Option<Grant>, Error> {
        let mut conn = self.database.connection().await?;
        match find_live(&mut conn, hash).await {
            Err(Error::Unavailable(_)) => {
                drop(conn);
                find_live(&mut *self.database.connection().await?, hash).await
            }
            result => result,
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
