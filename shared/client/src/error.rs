//! Errors of a request.

use std::fmt;

use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

/// Maximum length of an error response that is not JSON, in bytes.
const MAX_TEXT_BYTES: usize = 300;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be built. Nothing was sent.
    #[error("the request is invalid: {0}")]
    InvalidRequest(String),
    /// There is no response, or no complete one.
    #[error("no response from {url}: {cause}")]
    Unreachable {
        /// URL of the API.
        url: String,
        /// The cause.
        cause: String,
        /// Whether the API may have received the request: a connection existed.
        is_sent: bool,
    },
    /// The API rejected the request.
    #[error("{0}")]
    Status(Rejection),
    /// The response has another form than expected: the URL may not be that of sigpost, or of another version. The
    /// request may have been executed.
    #[error("invalid response from {url}: {cause}")]
    InvalidResponse {
        /// URL of the API.
        url: String,
        /// The cause.
        cause: String,
    },
}

impl Error {
    /// Returns the status of the response if the API rejected the request.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(rejection) => Some(rejection.status),
            _ => None,
        }
    }

    /// Whether the same request can succeed later: no response, a server error, or too many requests.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status(Rejection { status, .. }) => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::InvalidRequest(_) | Self::InvalidResponse { .. } => false,
        }
    }
}

/// A response with a status outside 2xx. Serialized, it is the body of the response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// The status.
    #[serde(skip)]
    pub status: StatusCode,
    /// The error text of the API. Control characters are escaped.
    pub error: String,
    /// The code of the error, if the API has codes.
    pub code: Option<String>,
    /// The ID of the request, if the API has them.
    pub request_id: Option<String>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.error)?;
        // The log of the server has the cause under this ID.
        match self.request_id.as_ref().filter(|_| self.status.is_server_error()) {
            Some(id) => write!(f, " (request ID {id})"),
            None => Ok(()),
        }
    }
}

/// The body of an error. A proxy in front of the API may send another one.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    error: Option<String>,
    /// A Lambda function URL sends this if it rejects a request.
    #[serde(rename = "Message")]
    message: Option<String>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Rejection {
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Self {
        let Body { error, message, code, request_id } = serde_json::from_slice(body).unwrap_or_default();
        let text = error.or(message).unwrap_or_else(|| excerpt(body));
        Self { status, error: escaped(&text), code, request_id: request_id.as_deref().map(escaped) }
    }
}

/// Returns the beginning of a body that is not an error of the API.
fn excerpt(body: &[u8]) -> String {
    match String::from_utf8_lossy(body).trim() {
        "" => "no reason given".to_owned(),
        text => text[..text.floor_char_boundary(MAX_TEXT_BYTES)].to_owned(),
    }
}

/// Escapes control characters, which a terminal or a log could interpret.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Returns the error of reqwest with its causes, without the URL, which may contain a query.
pub(crate) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(why) = cause {
        text = format!("{text}: {why}");
        cause = why.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        Rejection::read(StatusCode::NOT_FOUND, body.as_bytes()).to_string()
    }

    #[test]
    fn error_texts_come_from_the_api_or_from_a_proxy() {
        assert_eq!(shown(r#"{"error":"queue q not found"}"#), "404 Not Found: queue q not found");
        assert_eq!(shown(r#"{"Message":"Forbidden"}"#), "404 Not Found: Forbidden");
        assert_eq!(shown("<html>\n"), "404 Not Found: <html>");
        assert_eq!(shown(""), "404 Not Found: no reason given");
        assert_eq!(shown(r#"{"error":"a\u001b[31m"}"#), "404 Not Found: a\\u{1b}[31m");
        assert_eq!(shown(&"ä".repeat(500)).len(), "404 Not Found: ".len() + 300);
    }

    #[test]
    fn only_errors_of_the_server_show_the_request_id() {
        let body = br#"{"error":"why","code":"internal","requestId":"req_1"}"#;
        let shown = |status| Rejection::read(status, body).to_string();
        assert_eq!(shown(StatusCode::BAD_GATEWAY), "502 Bad Gateway: why (request ID req_1)");
        assert_eq!(shown(StatusCode::BAD_REQUEST), "400 Bad Request: why");
    }

    #[test]
    fn code_and_request_id_are_optional() {
        let read = |body: &[u8]| Rejection::read(StatusCode::CONFLICT, body);
        let full = read(br#"{"error":"e","code":"c","requestId":"r","more":1}"#);
        assert_eq!((full.code.as_deref(), full.request_id.as_deref()), (Some("c"), Some("r")));
        assert_eq!(read(br#"{"error":"e"}"#).code, None);
    }

    #[test]
    fn only_missing_responses_and_server_errors_are_temporary() {
        let status = |status| Error::Status(Rejection::read(status, b""));
        let unreachable = Error::Unreachable { url: String::new(), cause: String::new(), is_sent: false };
        let temporary = [unreachable, status(StatusCode::TOO_MANY_REQUESTS), status(StatusCode::BAD_GATEWAY)];
        assert!(temporary.iter().all(Error::is_temporary));
        let permanent = [Error::InvalidRequest(String::new()), status(StatusCode::BAD_REQUEST)];
        assert!(!permanent.iter().any(Error::is_temporary));
    }
}
