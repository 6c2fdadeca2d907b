//! Whom a token lets in: the deployment's own (`QSTASH_TOKEN`) is known in memory, those by name are
//! looked up by their hash and remembered for a while.

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

/// Look-ups at once: strangers who try tokens get no more of the database's connections than these.
const LOOKUPS: usize = 2;
/// How long a request waits for its look-up to begin, at most.
const LOOKUP_WAIT: Duration = Duration::from_secs(3);

/// The tokens of this process.
pub(crate) struct Tokens {
    /// Compared as hashes, in constant time whatever the length.
    own: TokenHash,
    database: Database,
    lookups: Semaphore,
    cache: Mutex<Cache>,
    rate_limits: RateLimits,
}

/// Who shows a token, as far as we know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bearer {
    hash: TokenHash,
    grant: Grant,
}

impl Bearer {
    /// What the bearer may do.
    pub(crate) fn scope(&self) -> Scope {
        self.grant.scope
    }
}

impl Tokens {
    /// `own` is the deployment's token; the limit is for it and for tokens without one of their own.
    pub(crate) fn new(own: &str, database: Database, default_rate_limit: Option<NonZeroU32>) -> Self {
        Self {
            own: TokenHash::of(own.as_bytes()),
            database,
            lookups: Semaphore::new(LOOKUPS),
            cache: Mutex::default(),
            rate_limits: RateLimits::new(default_rate_limit),
        }
    }

    /// Whom this token lets in; `None` when it lets nobody in. An error only when the database had to be asked.
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

    /// Takes a request out of the bearer's rate limit.
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
        // Whoever went before may have asked for the same token.
        if let Some(remembered) = self.cache().get(hash, Instant::now()) {
            return Ok(remembered);
        }
        // Its age counts from before the question: a revocation after that is not in the answer.
        let asked_at = Instant::now();
        let grant = self.look_up(hash).await?;
        self.cache().insert(hash, grant, asked_at);
        Ok(grant)
    }

    /// Once more on a fresh connection when the first turned out to be dead.
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
