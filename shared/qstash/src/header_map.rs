//! Headers as they are stored and shown: a JSON object from name to list of values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the `Authorization` from a URL's user info is kept. No header has such a name: what does not know of it
/// neither shows nor sends it.
const URL_AUTHORIZATION: &str = ":authorization";

/// Stands before a stored value that is Latin-1. A header value has no control character.
const LATIN_1: char = '\u{1}';

/// Headers under their canonical names (Go's casing, `Bypass-Tunnel-Reminder`), the form in which
/// QStash stores and returns them; the SDK tests compare it literally.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Headers(pub BTreeMap<String, Vec<String>>);

impl Headers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a header to one value; earlier values go.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(canonical_name(name), vec![value.into()]);
    }

    /// Adds a value, after those the header already has.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.0.entry(canonical_name(name)).or_default().push(value.into());
    }

    /// The first value of a header; the name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&canonical_name(name)).and_then(|values| values.first()).map(String::as_str)
    }

    /// Names and values together in bytes, each value counted with its name as it is on the wire.
    pub fn size_bytes(&self) -> usize {
        self.0.iter().flat_map(|(name, values)| values.iter().map(|value| name.len() + value.len())).sum()
    }

    /// All headers of a request or response. A value that is not UTF-8 is read as Latin-1, which
    /// every byte sequence is: what a destination answers must not make its answer unrecordable.
    pub fn from_http(headers: &HeaderMap) -> Self {
        let mut map = Self::default();
        for (name, value) in headers {
            let value = match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => text.to_owned(),
                Err(_) => latin_1(value.as_bytes()).collect(),
            };
            map.append(name.as_str(), value);
        }
        map
    }

    /// Keeps the `Authorization` that a URL's user info makes. It is sent unless there is another one, and not shown.
    pub fn set_url_authorization(&mut self, authorization: &str) {
        self.0.insert(URL_AUTHORIZATION.to_owned(), vec![authorization.to_owned()]);
    }

    /// As they are shown: as text, and without what comes from a URL's user info.
    pub fn shown(&self) -> Self {
        let shown = |values: &Vec<String>| values.iter().map(|value| text_of(value).to_owned()).collect();
        let headers = self.0.iter().filter(|(name, _)| *name != URL_AUTHORIZATION);
        Self(headers.map(|(name, values)| (name.clone(), shown(values))).collect())
    }

    /// As headers of a request. What cannot be one (it can come from a database that others write
    /// to) is left out.
    pub fn to_http(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.0.len());
        for (name, values) in &self.0 {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                continue;
            };
            for value in values {
                if let Ok(value) = HeaderValue::from_bytes(&bytes_of(value)) {
                    map.append(&name, value);
                }
            }
        }
        if let Some(Ok(value)) = self.get(URL_AUTHORIZATION).map(HeaderValue::from_str) {
            map.entry(AUTHORIZATION).or_insert(value);
        }
        map
    }
}

/// A value as it is stored: UTF-8 as it is, other bytes as Latin-1 (RFC 9110 section 5.5) behind a mark, so that
/// [`bytes_of`] returns the same bytes.
pub(crate) fn stored(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => std::iter::once(LATIN_1).chain(latin_1(value)).collect(),
    }
}

/// The bytes of a stored value.
pub(crate) fn bytes_of(stored: &str) -> Cow<'_, [u8]> {
    match stored.strip_prefix(LATIN_1) {
        // A character that is no byte is none of ours.
        Some(text) => text.chars().filter_map(|c| u8::try_from(c).ok()).collect::<Vec<_>>().into(),
        None => stored.as_bytes().into(),
    }
}

fn text_of(stored: &str) -> &str {
    stored.strip_prefix(LATIN_1).unwrap_or(stored)
}

/// Every byte sequence is Latin-1.
pub(crate) fn latin_1(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes.iter().copied().map(char::from)
}

/// The name in Go's canonical casing: the first letter and each letter after a hyphen upper-case,
/// the others lower-case. A name with a character that no header name has is left as it is, as
/// Go's `textproto.CanonicalMIMEHeaderKey` does.
pub fn canonical_name(name: &str) -> String {
    let mut canonical = name.to_owned();
    if name.bytes().all(is_token) {
        canonical.make_ascii_lowercase();
        for start in std::iter::once(0).chain(name.match_indices('-').map(|(at, _)| at + 1)) {
            if let Some(letter) = canonical.get_mut(start..=start) {
                letter.make_ascii_uppercase();
            }
        }
    }
    canonical
}

/// A `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Headers, canonical_name, stored};

    /// Wire reference, section 0: trap 11.
    #[test]
    fn names_get_go_casing() {
        for (name, canonical) in [
            ("content-type", "Content-Type"),
            ("BYPASS-tunnel-REMINDER", "Bypass-Tunnel-Reminder"),
            ("x-3d_model", "X-3d_model"),
            ("", ""),
            ("with space", "with space"),
            ("ünicode", "ünicode"),
        ] {
            assert_eq!(canonical_name(name), canonical);
        }
    }

    #[test]
    fn insert_replaces_and_append_keeps_whatever_the_casing() {
        let mut headers = Headers::default();
        headers.append("x-a", "1");
        headers.append("X-A", "2");
        assert_eq!(headers.0["X-A"], ["1", "2"]);
        headers.insert("x-A", "3");
        assert_eq!(headers.0["X-A"], ["3"]);
        assert_eq!(headers.get("X-a"), Some("3"));
        assert_eq!(serde_json::to_string(&headers).unwrap(), r#"{"X-A":["3"]}"#);
    }

    /// Wire reference, section 0: trap 10.
    #[test]
    fn a_value_with_a_comma_stays_one_value() {
        let mut http = HeaderMap::new();
        http.append("x-a", HeaderValue::from_static("a, b"));
        http.append("x-a", HeaderValue::from_static("c"));
        let headers = Headers::from_http(&http);
        assert_eq!(headers.0["X-A"], ["a, b", "c"]);
        assert_eq!(headers.to_http(), http);
    }

    #[test]
    fn bytes_that_are_no_text_are_read_as_latin_1() {
        let mut http = HeaderMap::new();
        http.insert("x-a", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert_eq!(Headers::from_http(&http).get("x-a"), Some("café"));
    }

    #[test]
    fn stored_values_keep_their_bytes() {
        for value in [&b"plain"[..], "José".as_bytes(), b"Jos\xe9", b"\x80\x9f\xa0\xff", b"\xc3", b""] {
            let mut headers = Headers::default();
            headers.insert("x-a", stored(value));
            let read: Headers = serde_json::from_str(&serde_json::to_string(&headers).unwrap()).unwrap();
            assert_eq!(read.to_http()["x-a"].as_bytes(), value);
        }
        let mut headers = Headers::default();
        headers.insert("x-a", stored(b"Jos\xe9"));
        assert_eq!(headers.shown().get("x-a"), Some("José"));
    }

    #[test]
    fn authorization_of_a_url_is_sent_unless_there_is_another_and_never_shown() {
        let mut headers = Headers::default();
        headers.set_url_authorization("Basic dTpw");
        assert_eq!(headers.to_http()["authorization"], "Basic dTpw");
        assert!(headers.shown().is_empty());
        headers.insert("authorization", "Bearer t");
        assert_eq!(headers.to_http()["authorization"], "Bearer t");
        assert_eq!(headers.to_http().len(), 1);
    }

    #[test]
    fn what_cannot_be_a_header_is_not_sent() {
        let mut headers = Headers::default();
        headers.insert("bad name", "1");
        headers.insert("x-a", "line\nbreak");
        headers.insert("x-b", "fine");
        assert_eq!(headers.to_http().len(), 1);
    }
}
