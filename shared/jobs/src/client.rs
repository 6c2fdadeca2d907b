//! Client of the publish API of sigpost or QStash.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use sigpost_client::Credentials;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{BASE_URL, JOB_URLS, QSTASH_TOKEN, QSTASH_URL};

use crate::{Handlers, base_url};

/// Timeout of a publish.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Client of a dispatcher: its URL, token and handlers. Clones share connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) api: sigpost_client::Client,
    pub(crate) handlers: Handlers,
}

impl Client {
    /// Creates a client for the dispatcher at `url`, which delivers to these handlers.
    ///
    /// # Errors
    ///
    /// `url` is not an absolute http(s) URL, or a header cannot contain the token.
    pub fn new(url: &str, token: impl Into<String>, handlers: Handlers) -> Result<Self> {
        let url = base_url::parse("the dispatcher's URL", url)?;
        let api = sigpost_client::Client::with_timeout(&url, Credentials::Token(token.into()), TIMEOUT)?;
        Ok(Self { api, handlers })
    }

    /// Reads `QSTASH_URL`, `QSTASH_TOKEN` and the variables of [`Handlers::from_env`].
    ///
    /// # Errors
    ///
    /// Names all variables that are missing or invalid.
    pub fn from_env() -> Result<Self> {
        let mut reading = Reading::of_process();
        let url = reading.required_as(QSTASH_URL, |text| Ok(base_url::parse(QSTASH_URL.name, text)?));
        let token = reading.required(QSTASH_TOKEN);
        reading.required_one_of([BASE_URL, JOB_URLS]);
        let handlers = Handlers::read(&mut reading);
        let (url, token) = reading.finish(url.zip(token))?;
        Self::new(&url, token, handlers)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, handlers } = self;
        f.debug_struct("Client").field("api", api).field("handlers", handlers).finish()
    }
}
