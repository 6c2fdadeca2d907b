//! What the function needs to know, from the environment.

use std::fmt;

use anyhow::Result;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::http_url;
use sigpost_store::{Database, url};

use crate::Authorization;

/// Connections of a function that answers one request at a time.
const DATABASE_CONNECTIONS: usize = 2;

/// The configuration of the admin function. `Debug` shows neither password nor token.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`, with `DATABASE_PASSWORD` if it has none, and `DATABASE_CONNECTIONS`: connections to Postgres
    /// at most, by default 2, in Lambda 1 (but for managed instances). The URL is required, and never logged.
    pub database: Database,
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
    /// All variables that are missing or malformed, by their names.
    pub fn from_env() -> Result<Self> {
        let mut reading = Reading::of_process();
        let config = Self::read(&mut reading);
        reading.finish(config)
    }

    /// The same; what is missing or malformed is noted.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let database = url::database(reading, DATABASE_CONNECTIONS);
        let authorization = Authorization::from_settings(reading);
        let url = reading.checked("QSTASH_URL", |text| http_url("QSTASH_URL", text).map(|_| text.to_owned()));
        let token = reading.text("QSTASH_TOKEN");
        Some(Self { database: database?, authorization: authorization?, api: url.zip(token) })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}
