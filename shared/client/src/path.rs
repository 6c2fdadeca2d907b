//! Request paths that contain user-defined names.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Error;

/// Characters to percent-encode: all but the unreserved ones of RFC 3986.
const NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Joins a path and a name, which becomes one percent-encoded segment, and an action.
pub(crate) fn with_segment(path: &str, name: &str, action: &str) -> Result<String, Error> {
    // URL parsers resolve dots: `DELETE /v2/messages/..` would be `DELETE /v2/messages`, which cancels everything.
    if matches!(name, "" | "." | "..") {
        return Err(Error::InvalidRequest(format!("{name:?} cannot be a name")));
    }
    Ok(format!("{path}/{}{action}", utf8_percent_encode(name, NAMES)))
}

/// Joins a path and a destination, which stays as it is.
pub(crate) fn with_destination(path: &str, text: &str) -> Result<String, Error> {
    let text = destination(text).map_err(|why| Error::InvalidRequest(format!("destination: {why}")))?;
    Ok(format!("{path}/{text}"))
}

/// Checks a destination, which becomes part of a request path unchanged.
///
/// # Errors
///
/// It has a segment `.` or `..`: HTTP clients resolve them, and the request would go to another destination or another
/// endpoint.
pub fn destination(text: &str) -> Result<String, String> {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    match path.split(['/', '\\']).any(|segment| segment == "." || segment == "..") {
        true => Err("the path must not contain the segments `.` and `..`".to_owned()),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        let path = |path, name| with_segment(path, name, "/pause").ok();
        assert_eq!(path("/v2/flowControl", "eu/ä ?#").as_deref(), Some("/v2/flowControl/eu%2F%C3%A4%20%3F%23/pause"));
        assert_eq!(path("/v2/queues", "a-b_c.d~e").as_deref(), Some("/v2/queues/a-b_c.d~e/pause"));
        assert_eq!(path("/v2/messages", ".\t.").as_deref(), Some("/v2/messages/.%09./pause"));
        for none in ["", ".", ".."] {
            assert_eq!(path("/v2/messages", none), None, "{none:?}");
        }
    }

    #[test]
    fn destination_that_a_client_would_change_is_rejected() {
        for plain in ["https://a.b/c..d/.e?f=/../#/./", "http://a", "a-group"] {
            assert_eq!(destination(plain).as_deref(), Ok(plain));
        }
        for changed in ["http://a/b/../../c", "http://a/.", "../../keys/rotate", "http://a/%2E%2e/b", "http://a\\..\\b"]
        {
            assert!(destination(changed).is_err(), "{changed}");
        }
    }
}
