//! The client of the API, and requests about the deployment itself: signing keys and probes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use sigpost_qstash::{Health, SigningKeys};

use crate::connection::Connection;
use crate::{Call, Credentials, Error, TIMEOUT};

/// Client of the API. Clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Connection>);

impl Client {
    /// Creates a client of the API at `url`, such as `https://example.com`.
    ///
    /// # Errors
    ///
    /// `url` is not an http or https URL, or a header cannot contain the token.
    pub fn new(url: &str, credentials: Credentials) -> Result<Self, Error> {
        Self::with_timeout(url, credentials, TIMEOUT)
    }

    /// Like [`new`](Self::new), with another timeout of a request.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_timeout(url: &str, credentials: Credentials, timeout: Duration) -> Result<Self, Error> {
        Ok(Self(Arc::new(Connection::new(url, credentials, timeout)?)))
    }

    /// Returns the URL of the API, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn call<T>(&self, method: Method, path: Result<String, Error>) -> Call<T> {
        Call::new(&self.0, method, path)
    }

    pub(crate) fn get<T>(&self, path: &str) -> Call<T> {
        self.call(Method::GET, Ok(path.to_owned()))
    }

    /// Returns the signing keys.
    pub fn get_keys(&self) -> Call<SigningKeys> {
        self.get("/v2/keys")
    }

    /// Rotates the signing keys: the next key becomes the current one. Returns the new pair.
    pub fn rotate_keys(&self) -> Call<SigningKeys> {
        self.call(Method::POST, Ok("/v2/keys/rotate".to_owned()))
    }

    /// Checks that the process runs. No credentials are required.
    pub fn get_liveness(&self) -> Call<Health> {
        self.get("/healthz")
    }

    /// Checks that the database accepts writes. No credentials are required.
    pub fn get_readiness(&self) -> Call<Health> {
        self.get("/readyz")
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url()).finish_non_exhaustive()
    }
}
