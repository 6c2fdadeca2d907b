//! Bodies in JSON responses.

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that serialize as the field `body` if they are UTF-8, otherwise as `bodyBase64`, never as both, and as
/// neither if empty (QStash OpenAPI, `Message`). Flatten it into its object.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Shown<'static>")]
pub struct Body(pub Bytes);

impl Body {
    /// Returns one of the two forms, or neither.
    pub(crate) fn as_text_or_base64(&self) -> (Option<&str>, Option<AsBase64<'_>>) {
        if self.0.is_empty() {
            return (None, None);
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => (Some(text), None),
            Err(_) => (None, Some(AsBase64(&self.0))),
        }
    }

    /// Reads either form; empty without both.
    pub(crate) fn of_text_or_base64<E: serde::de::Error>(
        text: Option<String>,
        base64: Option<String>,
    ) -> Result<Self, E> {
        match (text, base64) {
            (Some(text), _) => Ok(text.into()),
            (None, Some(base64)) => decoded(&base64).map(Self),
            (None, None) => Ok(Self::default()),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// The body of the delivery, if it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    /// The body of the delivery, if it is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("contentEncoding" = "base64"))]
    #[schemars(with = "Option<String>")]
    body_base64: Option<AsBase64<'a>>,
}

/// Bytes that serialize as base64, without a copy.
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

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            body: Option<String>,
            body_base64: Option<String>,
        }
        let Read { body, body_base64 } = Read::deserialize(from)?;
        Self::of_text_or_base64(body, body_base64)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

/// For `#[serde(serialize_with)]`: bytes that are always base64, as in events and callbacks.
pub(crate) fn as_base64<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    AsBase64(bytes).serialize(serializer)
}

/// For `#[serde(deserialize_with)]`: the reverse of [`as_base64`].
pub(crate) fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
    decoded(&String::deserialize(from)?)
}

fn decoded<E: serde::de::Error>(base64: &str) -> Result<Bytes, E> {
    STANDARD.decode(base64).map(Bytes::from).map_err(E::custom)
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
