//! A body inside a JSON answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Bytes that serialise as the field `body` when they are UTF-8 and as `bodyBase64` otherwise,
/// never as both, and as neither when there are none (QStash OpenAPI, `Message`). To be
/// flattened into the object it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body(pub Bytes);

impl Body {
    /// The fields under other names, for the response body of a dead letter.
    pub(crate) fn serialize_as<S: Serializer>(
        &self,
        text_field: &'static str,
        base64_field: &'static str,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.0.is_empty() {
            match std::str::from_utf8(&self.0) {
                Ok(text) => map.serialize_entry(text_field, text)?,
                Err(_) => map.serialize_entry(base64_field, &STANDARD.encode(&self.0))?,
            }
        }
        map.end()
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize_as("body", "bodyBase64", serializer)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

/// For `#[serde(serialize_with)]`: bytes that are base64 whatever they are, as in events and
/// callbacks.
pub(crate) fn as_base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::Body;

    #[test]
    fn text_is_shown_as_text_and_the_rest_as_base64() {
        let json = |bytes: &'static [u8]| serde_json::to_string(&Body::from(bytes)).unwrap();
        assert_eq!(json("grüße".as_bytes()), r#"{"body":"grüße"}"#);
        assert_eq!(json(b"\xff\x00"), r#"{"bodyBase64":"/wA="}"#);
        assert_eq!(json(b""), "{}");
    }
}
