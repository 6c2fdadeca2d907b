//! Redaction: the parts of a message that the API hides.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::header_map::bytes_of;
use crate::{Headers, Invalid, canonical_name, hex};

/// The maximum length of the list in bytes.
pub const MAX_BYTES: usize = 4096;

/// Precedes the hash that replaces a value.
const REDACTED: &str = "REDACTED:";

/// The parts of a message that responses and logs hide: `Upstash-Redact-Fields` (QStash docs, "Redact fields").
/// Deliveries contain the original values.
///
/// A hidden value appears as `REDACTED:` and the hexadecimal SHA-256 of the original, so that equal values can be
/// recognized. Values that can be guessed can therefore be confirmed: the format, which is QStash's, is suitable for
/// keys, not for a four-digit code.
///
/// Serde is for storage: the [text form](Self::to_text).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redact {
    body: bool,
    all_headers: bool,
    /// Canonical names; empty if `all_headers` is set.
    headers: BTreeSet<String>,
}

impl Redact {
    /// Returns a value that hides the body and all headers.
    pub fn everything() -> Self {
        Self { body: true, all_headers: true, ..Self::default() }
    }

    /// Parses a comma-separated list of `body`, `header` or `headers` for all headers, and `header[Name]` or
    /// `headers[Name]` for one.
    ///
    /// # Errors
    ///
    /// Any other text, or more than [`MAX_BYTES`]; the error names `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_BYTES {
            return Err(Invalid::too_long(field, MAX_BYTES, text.len()));
        }
        let mut redact = Self::default();
        for token in text.split(',').map(str::trim_ascii) {
            match token {
                "body" => redact.body = true,
                "header" | "headers" => redact.all_headers = true,
                _ => {
                    let name = header_name(token).ok_or_else(|| {
                        let expected = "must be a list of body, header (for all headers) and header[Name]";
                        Invalid::got(field, expected, token)
                    })?;
                    redact.headers.insert(name);
                }
            }
        }
        if redact.all_headers {
            redact.headers.clear();
        }
        Ok(redact)
    }

    /// Returns the list in its shortest form, which [`parse`](Self::parse) accepts. Empty if nothing is hidden;
    /// `parse` rejects the empty text.
    pub fn to_text(&self) -> String {
        let body = self.body.then(|| "body".to_owned());
        let all_headers = self.all_headers.then(|| "header".to_owned());
        let headers = self.headers.iter().map(|name| format!("header[{name}]"));
        body.into_iter().chain(all_headers).chain(headers).collect::<Vec<_>>().join(",")
    }

    /// Returns whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns a value that hides the parts of both.
    pub fn union(mut self, other: &Self) -> Self {
        self.body |= other.body;
        self.all_headers |= other.all_headers;
        self.headers.extend(other.headers.iter().cloned());
        if self.all_headers {
            self.headers.clear();
        }
        self
    }

    /// Returns the headers in their redacted form.
    pub fn header(&self, headers: &Headers) -> Headers {
        let mut shown = headers.shown();
        let originals = headers.map();
        for (name, values) in shown.map_mut() {
            if self.hides_header(name)
                && let Some(original) = originals.get(name)
            {
                *values = original.iter().map(|value| hidden(&bytes_of(value))).collect();
            }
        }
        shown
    }

    /// Returns whether this header, by its canonical name, is hidden.
    fn hides_header(&self, name: &str) -> bool {
        self.all_headers || self.headers.contains(name)
    }

    /// Returns the body in its redacted form. An empty body stays empty.
    pub fn body(&self, body: Bytes) -> Bytes {
        if self.body && !body.is_empty() { hidden(&body).into() } else { body }
    }

    /// Returns the redacted body of a callback: fields of the message and of the response are redacted one by one,
    /// and the others (status, retries, IDs) are shown.
    pub fn callback_body(&self, body: Bytes) -> Bytes {
        if self.is_empty() {
            return body;
        }
        let Ok(mut fields) = serde_json::from_slice::<serde_json::Map<String, Value>>(&body) else {
            return hidden(&body).into();
        };
        for name in ["sourceBody", "body"] {
            if let Some(Value::String(encoded)) = fields.get_mut(name)
                && self.body
                && !encoded.is_empty()
            {
                let original = STANDARD.decode(encoded.as_bytes()).unwrap_or_default();
                *encoded = STANDARD.encode(hidden(&original));
            }
        }
        for name in ["sourceHeader", "header"] {
            if let Some(value) = fields.get_mut(name) {
                let headers = Headers::deserialize(&*value).unwrap_or_default();
                *value = serde_json::to_value(self.header(&headers)).unwrap_or_default();
            }
        }
        serde_json::to_vec(&fields).unwrap_or_default().into()
    }
}

fn hidden(value: &[u8]) -> String {
    hex::finish(REDACTED, Sha256::new_with_prefix(value))
}

/// Returns the canonical name in `header[Name]`.
fn header_name(token: &str) -> Option<String> {
    let rest = token.strip_prefix("header")?;
    let name = rest.strip_prefix('s').unwrap_or(rest).strip_prefix('[')?.strip_suffix(']')?.trim_ascii();
    HeaderName::from_bytes(name.as_bytes()).ok().map(|_| canonical_name(name))
}

impl Serialize for Redact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Redact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        // For stored values: an invalid value hides everything.
        Ok(Self::parse("redact", &text).unwrap_or_else(|_| Self::everything()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Redact;
    use crate::Headers;

    const HASH_OF_SECRET: &str = "REDACTED:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    /// Wire reference, section 10: row 29.
    #[test]
    fn every_spelling_of_both_sdks_and_the_docs_is_read() {
        for (text, normal) in [
            ("body", "body"),
            ("header", "header"),
            ("headers", "header"),
            ("body,headers", "body,header"),
            ("header[x-a], body , headers[AUTHORIZATION],header[ x-a ]", "body,header[Authorization],header[X-A]"),
            ("header[x-a],header", "header"),
        ] {
            let redact = Redact::parse("f", text).unwrap();
            assert_eq!(redact.to_text(), normal, "{text}");
            assert_eq!(Redact::parse("f", normal).as_ref(), Ok(&redact));
            assert!(!redact.is_empty());
            let json = serde_json::to_string(&redact).unwrap();
            assert_eq!(serde_json::from_str::<Redact>(&json).unwrap(), redact);
        }
        assert_eq!(serde_json::from_str::<Redact>(r#""""#).unwrap(), Redact::default());
    }

    #[test]
    fn anything_else_is_rejected_lest_a_secret_shows() {
        for text in ["", "bdy", "Body", "body,", "header[]", "header[a b]", "header[x", "headerx]", "headerss[x]", "*"]
        {
            let error = Redact::parse("Upstash-Redact-Fields", text).unwrap_err().to_string();
            let expected =
                "Upstash-Redact-Fields: must be a list of body, header (for all headers) and header[Name], got";
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let error = Redact::parse("f", &"body,".repeat(1000)).unwrap_err();
        assert_eq!(error.to_string(), "f: must not be longer than 4096 bytes, got 5000 bytes");
    }

    #[test]
    fn union_hides_what_either_hides() {
        for (one, other, both) in [
            ("body", "header[a]", "body,header[A]"),
            ("header[a]", "header[b]", "header[A],header[B]"),
            ("header[a]", "header", "header"),
            ("header", "body,header[b]", "body,header"),
        ] {
            let (one, other) = (Redact::parse("f", one).unwrap(), Redact::parse("f", other).unwrap());
            assert_eq!(one.clone().union(&other).to_text(), both);
            assert_eq!(other.clone().union(&one).to_text(), both);
            assert_eq!(one.clone().union(&Redact::default()), one);
        }
    }

    #[test]
    fn a_callback_hides_what_its_message_hides() {
        let body = Bytes::from_static(
            br#"{"status":200,"header":{"X-A":["secret"],"X-B":["open"]},"body":"c2VjcmV0","retried":0,
                "sourceHeader":{"Authorization":["secret"],"X-B":["open"]},"sourceBody":"c2VjcmV0"}"#,
        );
        let shown = |text| Redact::parse("f", text).unwrap().callback_body(body.clone());
        let json = |bytes: Bytes| serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
        let all = json(shown("body,header[authorization],header[x-a]"));
        assert_eq!((&all["status"], &all["retried"]), (&200.into(), &0.into()));
        assert_eq!(all["sourceHeader"]["Authorization"][0], HASH_OF_SECRET);
        assert_eq!(all["header"]["X-A"][0], HASH_OF_SECRET);
        assert_eq!((&all["sourceHeader"]["X-B"][0], &all["header"]["X-B"][0]), (&"open".into(), &"open".into()));
        for field in ["sourceBody", "body"] {
            let text = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, all[field].as_str().unwrap()).unwrap();
            assert_eq!(text, HASH_OF_SECRET.as_bytes(), "{field}");
        }
        assert_eq!(json(shown("header[x-z]")), json(body.clone()));
        assert_eq!(Redact::default().callback_body(body.clone()), body);
        // A body that is not a callback's is hidden as a whole.
        let other = Redact::parse("f", "header").unwrap().callback_body(Bytes::from_static(b"secret"));
        assert_eq!(other, HASH_OF_SECRET);
    }

    #[test]
    fn hidden_values_show_as_their_hash() {
        let mut headers = Headers::default();
        headers.append("authorization", "secret");
        headers.append("authorization", "secret");
        headers.append("x-b", "open");
        let shown = |text| Redact::parse("f", text).unwrap().header(&headers);
        let named = shown("header[authorization]");
        assert_eq!(named.map()["Authorization"], [HASH_OF_SECRET, HASH_OF_SECRET]);
        assert_eq!(named.get("x-b"), Some("open"));
        assert!(shown("header").map().values().flatten().all(|value| value.starts_with("REDACTED:")));
        assert_eq!(shown("body"), headers);

        let body = |text, bytes| Redact::parse("f", text).unwrap().body(Bytes::from_static(bytes));
        assert_eq!(body("body", b"secret"), HASH_OF_SECRET);
        assert_eq!(body("body", b""), "");
        assert_eq!(body("header", b"secret"), "secret");
    }
}
