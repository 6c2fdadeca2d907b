//! The parts of a URL that requests use.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use url::{Position, Url};

use super::Failure;

/// A URL in the forms that requests carry. Clones share them.
#[derive(Clone, Debug)]
pub struct Target {
    pub(super) origin: Arc<Origin>,
    /// Path and query: the request target of HTTP/1.1.
    pub(super) path: Uri,
    /// The URL without its fragment, from which HTTP/2 derives pseudo-header fields.
    pub(super) absolute: Uri,
    /// The value of `Host`, without the default port.
    pub(super) host: HeaderValue,
}

/// Scheme, host and port. Requests to the same origin share connections.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) is_encrypted: bool,
    /// Host and port, unless it is the default.
    pub(super) authority: String,
}

impl Target {
    /// Parses a URL for requests.
    ///
    /// # Errors
    ///
    /// [`Failure::Unsendable`] if the URL has no host, or a character that HTTP does not allow.
    pub fn new(url: &Url) -> Result<Self, Failure> {
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let path = Bytes::copy_from_slice(url[Position::BeforePath..Position::AfterQuery].as_bytes());
        let unsendable = |error: http::Error| Failure::of_request(&error);
        let path = PathAndQuery::from_maybe_shared(path).map_err(|error| unsendable(error.into()))?;
        let origin = Origin { is_encrypted: url.scheme() != "http", authority: authority.to_owned() };
        Ok(Self {
            absolute: origin.uri(path.clone()).map_err(unsendable)?,
            path: Uri::from(path),
            host: HeaderValue::from_str(authority).map_err(|error| unsendable(error.into()))?,
            origin: Arc::new(origin),
        })
    }
}

impl Origin {
    /// Returns the URL of a resource of this origin.
    pub(super) fn uri(&self, path: PathAndQuery) -> Result<Uri, http::Error> {
        let scheme = if self.is_encrypted { Scheme::HTTPS } else { Scheme::HTTP };
        Uri::builder().scheme(scheme).authority(&*self.authority).path_and_query(path).build()
    }

    /// Returns the name or the address that the certificate must contain.
    pub(super) fn host(&self) -> &str {
        let host = self.authority.parse::<Authority>();
        let host = host.as_ref().map_or("", Authority::host);
        // An IPv6 address is in brackets.
        let length = host.trim_start_matches('[').trim_end_matches(']').len();
        let start = self.authority.len() - self.authority.trim_start_matches('[').len();
        &self.authority[start..start + length]
    }
}
