//! HTTP client of the dispatch API.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::http::StatusCode;
use axum::http::header::LINK;
use reqwest::{Method, RequestBuilder, redirect};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use sigpost_qstash::next_page::query_of_link;
use url::{Url, form_urlencoded};

use super::failure::Failure;

/// Timeout of a request to the API.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Maximum size of a response in bytes.
const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Items on a page of a list.
const LIST_COUNT: &str = "200";

/// Client with the deployment's API token. Clones share connections.
#[derive(Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    url: Url,
    token: String,
}

#[derive(Deserialize)]
struct Rejection {
    error: String,
}

impl Api {
    /// Creates a client for the API at `url`, such as `https://example.com`.
    pub(crate) fn new(url: &str, token: &str) -> Result<Self> {
        let url: Url = url.trim_end_matches('/').parse().context("QSTASH_URL is not a URL")?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            bail!("QSTASH_URL must begin with http:// or https://");
        }
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            // Following a redirect would send the token to another host.
            .redirect(redirect::Policy::none())
            .build()
            .context("the HTTP client cannot be built")?;
        Ok(Self { http, url, token: token.to_owned() })
    }

    /// Builds a request to `/v2/` with these path segments and query parameters. Both are escaped.
    ///
    /// # Errors
    ///
    /// A segment is empty, `.` or `..`, or has control characters: the path would address another resource.
    pub(crate) fn request(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, Failure> {
        // URL parsers remove control characters.
        let is_none = |segment: &&&str| matches!(**segment, "" | "." | "..") || segment.contains(char::is_control);
        if let Some(segment) = segments.iter().find(is_none) {
            return Err(Failure::not_found(format!("{segment:?} not found.")));
        }
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v2").extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(self.http.request(method, url).bearer_auth(&self.token))
    }

    /// Sends a `GET` request and reads the response.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.read(self.request(Method::GET, segments, query)?).await
    }

    /// Reads a page of a list. Returns its items and the cursor of the next page.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<(Vec<T>, Option<String>), Failure> {
        let given = query.iter().copied().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> = given.chain([("count", LIST_COUNT)]).collect();
        let (answer, link) = self.fetch(self.request(Method::GET, segments, &query)?).await?;
        Ok((answer, link.as_deref().and_then(next_cursor)))
    }

    /// Sends a request without a body and discards the response body.
    pub(crate) async fn call(&self, method: Method, segments: &[&str]) -> Result<(), Failure> {
        self.done(self.request(method, segments, &[])?).await
    }

    /// Sends the request and discards the response body.
    pub(crate) async fn done(&self, request: RequestBuilder) -> Result<(), Failure> {
        self.read::<IgnoredAny>(request).await.map(|_| ())
    }

    /// Sends the request and reads the response.
    pub(crate) async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        Ok(self.fetch(request).await?.0)
    }

    /// Sends the request and reads the response and its `Link` header.
    async fn fetch<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<(T, Option<String>), Failure> {
        let away = |error: reqwest::Error| {
            tracing::warn!(error = %error.without_url(), "console request to the API failed");
            Failure::ApiAway
        };
        let mut response = request.send().await.map_err(away)?;
        let status = response.status();
        let link = response.headers().get(LINK).and_then(|link| link.to_str().ok()).map(str::to_owned);
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Failure::ApiUnreadable("The response is too large to show. Use a narrower filter."));
            }
            answer.extend_from_slice(&chunk);
        }
        if status.is_success() {
            let unreadable = |error| {
                tracing::error!(%error, "cannot decode the response of the API");
                Failure::ApiUnreadable(
                    "The response of the API is not understood. Check that API and console have the same version.",
                )
            };
            return Ok((serde_json::from_slice(&answer).map_err(unreadable)?, link));
        }
        Err(rejection(status, &answer))
    }
}

/// The cursor in `<?…&cursor=…>; rel="next"`.
fn next_cursor(link: &str) -> Option<String> {
    form_urlencoded::parse(query_of_link(link)?.as_bytes())
        .find(|(name, _)| name == "cursor")
        .map(|(_, value)| value.into_owned())
}

fn rejection(status: StatusCode, answer: &[u8]) -> Failure {
    match serde_json::from_slice(answer) {
        _ if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Failure::NotLetIn,
        Ok(Rejection { error }) => Failure::Rejected { status, text: error },
        // The response is not from the API but from a proxy in front of it.
        Err(_) => Failure::ApiAway,
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[&str]) -> Option<String> {
        let api = Api::new("http://127.0.0.1:1/base/", "t").expect("a URL");
        let request = api.request(Method::GET, segments, &[]).ok()?.build().expect("a request");
        Some(request.url()[url::Position::BeforePath..].to_owned())
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(path(&["messages", "a/b?c#d%2F"]).as_deref(), Some("/base/v2/messages/a%2Fb%3Fc%23d%252F"));
        // `DELETE /v2/messages/..` would be `DELETE /v2/messages`, which cancels everything.
        for segment in ["", ".", "..", ".\t."] {
            assert_eq!(path(&["messages", segment]), None, "{segment:?}");
        }
    }

    #[test]
    fn the_next_page_is_in_the_link() {
        let link = "<?search=a%3E&count=200&cursor=eu%2F%C3%A4%26>; rel=\"next\"";
        assert_eq!(next_cursor(link).as_deref(), Some("eu/ä&"));
        assert_eq!(next_cursor("<?cursor=a>; rel=\"prev\""), None);
    }

    #[test]
    fn only_a_web_address_is_an_api() {
        for url in ["", "example.com", "ftp://example.com", "mailto:a@example.com"] {
            assert!(Api::new(url, "t").is_err(), "{url}");
        }
    }
}
