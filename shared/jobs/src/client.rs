//! The publish API of a dispatcher, sigpost's or QStash's, as far as enqueuing jobs needs it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::redirect;
use sigpost_runtime::env;

use crate::{Handlers, base_url};

/// How long the dispatcher may take to store a message.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A dispatcher, the right to publish to it, and the handlers to publish for. Clones share connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) handlers: Handlers,
}

impl Client {
    /// A client for the dispatcher at `url`, which pushes to these handlers.
    ///
    /// # Errors
    ///
    /// `url` is not an absolute http(s) URL.
    pub fn new(url: &str, token: impl Into<String>, handlers: Handlers) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // A redirect would carry the token to wherever it points.
            .redirect(redirect::Policy::none())
            .build()
            .context("the HTTP client cannot be built")?;
        Ok(Self { http, url: base_url::parse("the dispatcher's URL", url)?, token: token.into(), handlers })
    }

    /// Reads `QSTASH_URL`, `QSTASH_TOKEN` and what [`Handlers::from_env`] reads.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        let url = base_url::parse("QSTASH_URL", &env::required("QSTASH_URL")?)?;
        Self::new(&url, env::required("QSTASH_TOKEN")?, Handlers::from_env()?)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, handlers, .. } = self;
        f.debug_struct("Client").field("url", url).field("handlers", handlers).finish_non_exhaustive()
    }
}
