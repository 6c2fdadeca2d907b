//! Connection to an API: its URL, its credentials and the bounds of a request.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Request, StatusCode, redirect};
use url::Url;

use crate::Error;
use crate::error::causes;

/// Default timeout of a request. The slowest one is a batch of 100 retries.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Maximum size of a response. A page has at most 8 MiB of bodies, and JSON escapes have up to six bytes for one.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// Authentication of requests.
#[derive(Clone)]
pub enum Credentials {
    /// None, for the probes.
    None,
    /// A bearer token.
    Token(String),
    /// A signature, such as AWS Signature Version 4 for a Lambda function URL.
    Signature(Arc<dyn Sign>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(..)",
            Self::Signature(_) => "Signature(..)",
        })
    }
}

/// The future of [`Sign::sign`]. Its error is the reason why the request cannot be signed.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Signs requests.
pub trait Sign: Send + Sync {
    /// Adds the headers of the signature to a complete request.
    fn sign<'a>(&'a self, request: &'a mut Request) -> Signing<'a>;
}

pub(crate) struct Connection {
    http: reqwest::Client,
    /// URL without a slash at its end.
    pub(crate) url: String,
    token: Option<HeaderValue>,
    signer: Option<Arc<dyn Sign>>,
}

/// A response of any status.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(url: &str, credentials: Credentials, timeout: Duration) -> Result<Self, Error> {
        let url = url.trim().trim_end_matches('/');
        let is_web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_web || url.contains(['?', '#']) {
            return Err(Error::InvalidRequest(format!("{url:?} is not an http or https URL without a query")));
        }
        let http = reqwest::Client::builder()
            .timeout(timeout)
            // Following a redirect would send the token to another host.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Error::InvalidRequest(format!("the HTTP client cannot be built: {}", causes(error))))?;
        let (token, signer) = match credentials {
            Credentials::None => (None, None),
            Credentials::Token(token) => (Some(bearer(&token)?), None),
            Credentials::Signature(signer) => (None, Some(signer)),
        };
        Ok(Self { http, url: url.to_owned(), token, signer })
    }

    /// Sends the request with its credentials and reads the response, whatever its status.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Received, Error> {
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        if let Some(signer) = &self.signer {
            signer.sign(&mut request).await.map_err(Error::InvalidRequest)?;
        }
        let unreachable = |error: reqwest::Error, is_sent| Error::Unreachable {
            url: self.url.clone(),
            cause: causes(error),
            is_sent,
        };
        let mut response = self.http.execute(request).await.map_err(|error| {
            let is_sent = !error.is_connect();
            unreachable(error, is_sent)
        })?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(error, true))? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                let cause = format!("it is larger than {MAX_RESPONSE_BYTES} bytes; request fewer items");
                return Err(Error::InvalidResponse { url: self.url.clone(), cause });
            }
            body.extend_from_slice(&chunk);
        }
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        Ok(Received { status, headers, body })
    }
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Error::InvalidRequest("the token has a character that a header cannot contain".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
