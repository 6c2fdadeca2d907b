//! A body inside a JSON answer.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// Bytes that serialise as the field `body` when they are UTF-8 and as `bodyBase64` otherwise,
/// never as both, and as neither when there are none (QStash OpenAPI, `Message`). To be
/// flattened into the object it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Shown<'static>")]
pub struct Body(pub Bytes);

impl Body {
    /// One of the two, or neither.
    pub(crate) fn as_text_or_base64(&self) -> (Option<&str>, Option<AsBase64<'_>>) {
        if self.0.is_empty() {
            return (None, None);
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => (Some(text), None),
            Err(_) => (None, Some(AsBase64(&self.0))),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// What is delivered, when it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    /// What is delivered, when it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("contentEncoding" = "base64"))]
    #[schemars(with = "Option<String>")]
    body_base64: Option<AsBase64<'a>>,
}

/// Bytes that are base64 in JSON, written without a copy.
pub(crate) struct AsBase64<'a>(&'a [u8]);

impl Serialize for AsBase64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (body, body_base64) = self.as_text_or_base64();
        Shown { body, body_base64 }.serialize(serializer)
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
    AsBase64(bytes).serialize(serializer)
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
