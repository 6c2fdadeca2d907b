//! What the function needs to know, from the environment.

use std::fmt;

use anyhow::Result;
use sigpost_runtime::env;
use sigpost_store::url;

use crate::Authorization;

/// Connections of a function that answers one request at a time.
const DATABASE_CONNECTIONS: usize = 2;

/// The configuration of the admin function. `Debug` shows neither password nor token.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`, with `DATABASE_PASSWORD` if it has none. Required, and never logged.
    pub database_url: String,
    /// `DATABASE_CONNECTIONS`: connections to Postgres at most. Default 2, in Lambda 1 (but for managed instances).
    pub database_connections: usize,
    /// `ADMIN_AUTH` and `ADMIN_TOKEN`: see [`Authorization`]. The token is never logged.
    pub authorization: Authorization,
    /// `QSTASH_URL` and `QSTASH_TOKEN`: the dispatch API and the deployment's token for it, which the console
    /// works with. Without one of them there is no console. The token is never logged.
    pub api: Option<(String, String)>,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            database_url: url::url_from_env()?,
            database_connections: url::connections_from_env(DATABASE_CONNECTIONS)?,
            authorization: Authorization::from_env()?,
            api: env::var("QSTASH_URL")?.zip(env::var("QSTASH_TOKEN")?),
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("database_connections", &self.database_connections).finish_non_exhaustive()
    }
}
