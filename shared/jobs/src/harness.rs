//! What a handler stands on.

use anyhow::Result;
use sigpost_qstash::{Limits, SigningKeys};
use sigpost_runtime::{KeyRing, env};
use sigpost_store::{Database, url};

use crate::base_url;

/// Connections of a function that runs one job at a time: the handler's, the heartbeat's, one to spare.
const DATABASE_CONNECTIONS: usize = 3;

/// The deployment as its handlers see it. Clones share the pool and the keys.
#[derive(Clone)]
pub struct Harness {
    /// Where runs are recorded. One connection will do: the record of a run uses it only before the
    /// handler begins, after it has ended, and for a heartbeat every 10 s.
    pub database: Database,
    /// Whose signatures are accepted.
    pub keys: KeyRing,
    /// What the URLs of this deployment's handlers begin with, without a slash at the end. From
    /// configuration and never from the request: what a caller says its target is proves nothing.
    pub base_url: String,
    /// The largest delivery that is read, in bytes. Default 10 MB, as large as a message may be.
    pub max_body_bytes: usize,
}

impl Harness {
    /// A harness with the default limits.
    pub fn new(database: Database, keys: KeyRing, base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        Self { database, keys, base_url, max_body_bytes: Limits::default().max_body_bytes }
    }

    /// Reads `DATABASE_URL`, `DATABASE_PASSWORD` (for a URL without one), `DATABASE_CONNECTIONS`
    /// (default 3, in Lambda 1 but for managed instances), `QSTASH_CURRENT_SIGNING_KEY`, `QSTASH_NEXT_SIGNING_KEY`, `BASE_URL`
    /// (the https URL that jobs are published to, without the endpoint) and `MAX_BODY_BYTES` (default
    /// 10,000,000).
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name. Nothing is connected to yet.
    pub fn from_env() -> Result<Self> {
        let database_url = url::url_from_env()?;
        let connections = url::connections_from_env(DATABASE_CONNECTIONS)?;
        let keys = SigningKeys {
            current: env::required("QSTASH_CURRENT_SIGNING_KEY")?,
            next: env::required("QSTASH_NEXT_SIGNING_KEY")?,
        };
        let base_url = base_url::parse("BASE_URL", &env::required("BASE_URL")?)?;
        let database = Database::new(&database_url, connections)?;
        let harness = Self::new(database, KeyRing::new(keys), base_url);
        Ok(Self { max_body_bytes: env::parsed("MAX_BODY_BYTES", harness.max_body_bytes)?, ..harness })
    }
}
