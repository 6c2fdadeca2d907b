//! What the function needs to know, from the environment.

use std::fmt;

use anyhow::Result;
use sigpost_runtime::env;

/// Connections of a function that answers one request at a time.
const DATABASE_CONNECTIONS: usize = 2;

/// The configuration of the admin function. `Debug` shows neither password nor token.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`. Required. It holds a password and is never logged.
    pub database_url: String,
    /// `DATABASE_CONNECTIONS`: connections to Postgres at most. Default 2.
    pub database_connections: usize,
    /// `ADMIN_TOKEN`: the bearer token of the API. Required, and never logged.
    pub token: String,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            database_url: env::required("DATABASE_URL")?,
            database_connections: env::parsed("DATABASE_CONNECTIONS", DATABASE_CONNECTIONS)?,
            token: env::required("ADMIN_TOKEN")?,
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("database_connections", &self.database_connections).finish_non_exhaustive()
    }
}
