//! Headers in JSON: an object of canonical names and lists of values, in the order of the names.

use std::borrow::Cow;
use std::fmt;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Headers;
use super::fields::{Fields, text};
use super::name::{canonical_name, is_canonical};

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers = match &self.0 {
            Fields::Tree(tree) => return tree.serialize(serializer),
            Fields::Http(headers) => headers,
        };
        let mut names: Vec<_> = headers.keys().map(|name| (canonical_name(name.as_str()), name)).collect();
        names.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut map = serializer.serialize_map(Some(names.len()))?;
        for (canonical, name) in names {
            map.serialize_entry(&canonical, &Values(headers, name))?;
        }
        map.end()
    }
}

/// The values of a header.
struct Values<'a>(&'a HeaderMap, &'a HeaderName);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.get_all(self.1).iter().map(text))
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

/// A text of the JSON, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object from name to list of values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers(Fields::Http(HeaderMap::with_capacity(map.size_hint().unwrap_or(4))));
        while let Some((Text(name), values)) = map.next_entry::<Text<'de>, Vec<Text<'de>>>()? {
            if let Fields::Http(http) = &mut headers.0
                && insert(http, &name, &values).is_some()
            {
                continue;
            }
            // Values that differ from HTTP's form in storage, such as marked ones.
            let values = values.into_iter().map(|Text(value)| value.into_owned()).collect();
            headers.map_mut().insert(name.into_owned(), values);
        }
        Ok(headers)
    }
}

/// Sets a header to these values. `None` if its JSON would differ.
fn insert(headers: &mut HeaderMap, name: &str, values: &[Text<'_>]) -> Option<()> {
    if values.is_empty() || !is_canonical(name) {
        return None;
    }
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let values: Result<Vec<_>, _> =
        values.iter().map(|Text(value)| HeaderValue::from_bytes(value.as_bytes())).collect();
    headers.remove(&name);
    for value in values.ok()? {
        headers.append(&name, value);
    }
    Some(())
}
