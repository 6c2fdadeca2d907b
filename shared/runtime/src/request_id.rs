//! The ID of a request, in its response and in log lines about it.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Extensions, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;

/// The header of every response.
pub const SIGPOST_REQUEST_ID: HeaderName = HeaderName::from_static("sigpost-request-id");

/// Digits of each part of an ID.
const DIGITS: usize = 12;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// In Lambda the ID of the event, elsewhere `req_` with random digits of the process and the number of the request. Its
/// text is written only for a response or a log line.
#[derive(Clone, Debug)]
pub struct RequestId(Source);

#[derive(Clone, Debug)]
enum Source {
    Event(HeaderValue),
    Number(u64),
}

impl RequestId {
    /// Creates the ID of the next request.
    pub(crate) fn next() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        Self(Source::Number(NUMBER.fetch_add(1, Ordering::Relaxed)))
    }

    /// Returns the ID of a request with these extensions: that of its event in Lambda, else the next one.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let id = match extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.as_deref(),
            _ => None,
        };
        id.and_then(|id| HeaderValue::from_str(id).ok()).map_or_else(Self::next, |id| Self(Source::Event(id)))
    }

    /// Returns the ID of the request that this task handles; outside of requests a new one.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::next())
    }

    /// Makes this the current ID while the future runs.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Returns the value of the header.
    pub(crate) fn to_header(&self) -> HeaderValue {
        match &self.0 {
            Source::Event(id) => id.clone(),
            Source::Number(number) => {
                HeaderValue::from_bytes(&text(*number)).unwrap_or_else(|_| unreachable!("digits are valid in a header"))
            }
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_header().to_str().unwrap_or_default())
    }
}

/// Returns `req_`, the digits of the process and those of the number.
fn text(number: u64) -> [u8; 4 + 2 * DIGITS] {
    static PROCESS: LazyLock<[u8; DIGITS]> = LazyLock::new(|| hexadecimal(RandomState::new().hash_one(process::id())));
    let mut text = [0; 4 + 2 * DIGITS];
    text[..4].copy_from_slice(b"req_");
    text[4..4 + DIGITS].copy_from_slice(&*PROCESS);
    text[4 + DIGITS..].copy_from_slice(&hexadecimal(number));
    text
}

/// Returns the last digits of a number.
fn hexadecimal(number: u64) -> [u8; DIGITS] {
    let mut rest = number;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
        rest >>= 4;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn id_of_a_task_is_that_of_its_request() {
        let id = RequestId::next();
        let (first, second) = id.clone().scope(async { (RequestId::current(), RequestId::current()) }).await;
        assert_eq!([first.to_string(), second.to_string()], [id.to_string(), id.to_string()]);
        assert_ne!(RequestId::current().to_string(), id.to_string());
    }

    #[test]
    fn id_has_the_digits_of_the_process_and_of_the_request() {
        let (one, other) = (RequestId(Source::Number(1)).to_string(), RequestId(Source::Number(0xab_cdef)).to_string());
        assert_eq!((one.len(), &one[..4], &one[16..]), (28, "req_", "000000000001"));
        assert_eq!((&other[..16], &other[16..]), (&one[..16], "000000abcdef"));
    }

    #[test]
    fn id_of_an_event_is_that_of_lambda() {
        let event = r#"{"version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {},
            "requestContext": {"accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "a",
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "$default", "stage": "$default", "timeEpoch": 1,
            "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": ""}},
            "isBase64Encoded": false}"#;
        let request = lambda_http::request::from_str(event).expect("an event");
        assert_eq!(RequestId::of(request.extensions()).to_string(), "JKJaXmPLvHcESHA=");
        assert!(RequestId::of(&Extensions::new()).to_string().starts_with("req_"));
    }
}
