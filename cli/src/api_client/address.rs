//! Request paths that contain user-defined names.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded::Serializer;

/// Characters to percent-encode: all but the unreserved ones of RFC 3986.
const NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Appends a name to the path as one percent-encoded segment.
pub(crate) fn with_segment(path: &str, name: &str) -> String {
    format!("{path}/{}", utf8_percent_encode(name, NAMES))
}

/// Parses a destination, which becomes part of a request path unchanged. Rejects the segments `.` and `..`: HTTP clients
/// resolve them, and the request would go to another destination or another endpoint.
pub(crate) fn destination(text: &str) -> Result<String, String> {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    match path.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
        true => Err("the path must not contain the segments `.` and `..`".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Appends query parameters to the path.
pub(crate) fn with_query<'a>(path: &str, parameters: &[(&str, Cow<'a, str>)]) -> String {
    if parameters.is_empty() {
        return path.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(with_segment("/v2/flowControl", "eu/ä ?#"), "/v2/flowControl/eu%2F%C3%A4%20%3F%23");
        assert_eq!(with_segment("/v2/queues", "a-b_c.d~e"), "/v2/queues/a-b_c.d~e");
    }

    #[test]
    fn destination_that_a_client_would_change_is_refused() {
        for plain in ["https://a.b/c..d/.e?f=/../#/./", "http://a", "a-group"] {
            assert_eq!(destination(plain).as_deref(), Ok(plain));
        }
        for changed in ["http://a/b/../../c", "http://a/.", "../../keys/rotate", "http://a/%2E%2e/b", "http://a\\..\\b"]
        {
            assert!(destination(changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn parameters_are_escaped() {
        assert_eq!(with_query("/v2/dlq", &[]), "/v2/dlq");
        let parameters = [("url", "http://a/?b=c&d".into()), ("count", "5".into())];
        assert_eq!(with_query("/v2/dlq", &parameters), "/v2/dlq?url=http%3A%2F%2Fa%2F%3Fb%3Dc%26d&count=5");
    }
}
