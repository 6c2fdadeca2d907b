//! Configuration of the function from the environment.

use std::fmt;

use anyhow::Result;
use sigpost_health::Rules;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{QSTASH_TOKEN, QSTASH_URL, http_url};
use sigpost_store::{Database, url};

use crate::Authorization;

/// The configuration of the admin function. `Debug` shows neither password nor token.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL` (required, never logged), `DATABASE_PASSWORD` if the URL has none, and `DATABASE_CONNECTIONS`:
    /// maximum number of connections to Postgres. Default 2; in Lambda 1, except on managed instances.
    pub database: Database,
    /// `ADMIN_AUTH` and `ADMIN_TOKEN`: see [`Authorization`]. The token is never logged.
    pub authorization: Authorization,
    /// `QSTASH_URL` and `QSTASH_TOKEN`: the dispatch API and its token, which the console uses. Without both there is no
    /// console. The token is never logged.
    pub api: Option<(String, String)>,
    /// `ALERT_RULES`: thresholds of job health. See [`Rules::parse`].
    pub rules: Rules,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// Names all variables that are missing or invalid.
    pub fn from_env() -> Result<Self> {
        let mut reading = Reading::of_process();
        let config = Self::read(&mut reading);
        reading.finish(config)
    }

    /// Reads the configuration. `reading` collects missing and invalid variables.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let database = url::database(reading, "admin");
        let authorization = Authorization::from_settings(reading);
        let url = reading.checked(QSTASH_URL, |text| http_url(QSTASH_URL.name, text).map(|_| text.to_owned()));
        let token = reading.text(QSTASH_TOKEN);
        let rules = Rules::read(reading);
        Some(Self { database: database?, authorization: authorization?, api: url.zip(token), rules })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}
