//! Headers as they are stored and shown: a JSON object from name to list of values.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
                Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
            };
            map.append(name.as_str(), value);
        }
        map
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
                if let Ok(value) = HeaderValue::from_str(value) {
                    map.append(&name, value);
                }
            }
        }
        map
    }
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

    use super::{Headers, canonical_name};

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
    fn what_cannot_be_a_header_is_not_sent() {
        let mut headers = Headers::default();
        headers.insert("bad name", "1");
        headers.insert("x-a", "line\nbreak");
        headers.insert("x-b", "fine");
        assert_eq!(headers.to_http().len(), 1);
    }
}
