//! Headers as they are stored and shown: a JSON object from name to list of values.

mod fields;
mod json;
mod name;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use http::HeaderMap;
use schemars::JsonSchema;

use fields::Fields;
pub use name::canonical_name;
pub(crate) use value::{bytes_of, latin_1, stored};

/// Where the `Authorization` from a URL's user info is kept. No header has such a name: what does not know of it
/// neither shows nor sends it.
const URL_AUTHORIZATION: &str = ":authorization";

/// Headers under their canonical names (Go's casing, `Bypass-Tunnel-Reminder`), the form in which
/// QStash stores and returns them; the SDK tests compare it literally.
///
/// Those of a delivery and of its response are kept as HTTP has them: a tree of texts would cost more than the rest of
/// a small request.
#[derive(Clone, Default, JsonSchema)]
#[schemars(with = "BTreeMap<String, Vec<String>>")]
pub struct Headers(Fields);

impl Headers {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a header to one value; earlier values go.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        self.map_mut().insert(canonical_name(name), vec![value.into()]);
    }

    /// Adds a value, after those the header already has.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.map_mut().entry(canonical_name(name)).or_default().push(value.into());
    }

    /// The first value of a header; the name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Names and values together in bytes, each value counted with its name as it is on the wire.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// Values by canonical name, in the order in which they are stored.
    pub fn map(&self) -> Cow<'_, BTreeMap<String, Vec<String>>> {
        self.0.tree()
    }

    /// The same, to change them.
    pub fn map_mut(&mut self) -> &mut BTreeMap<String, Vec<String>> {
        self.0.tree_mut()
    }

    /// All headers of a request or response. A value that is not UTF-8 is read as Latin-1, which
    /// every byte sequence is: what a destination answers must not make its answer unrecordable.
    pub fn from_http(headers: HeaderMap) -> Self {
        Self(Fields::from_http(headers))
    }

    /// Keeps the `Authorization` that a URL's user info makes. It is sent unless there is another one, and not shown.
    pub fn set_url_authorization(&mut self, authorization: &str) {
        self.map_mut().insert(URL_AUTHORIZATION.to_owned(), vec![authorization.to_owned()]);
    }

    /// As they are shown: as text, and without what comes from a URL's user info.
    pub fn shown(&self) -> Self {
        let shown = |values: &Vec<String>| values.iter().map(|value| value::text_of(value).to_owned()).collect();
        let map = self.map();
        let headers = map.iter().filter(|(name, _)| *name != URL_AUTHORIZATION);
        Self(Fields::Tree(headers.map(|(name, values)| (name.clone(), shown(values))).collect()))
    }

    /// As headers of a request. What cannot be one (it can come from a database that others write
    /// to) is left out.
    pub fn to_http(&self) -> HeaderMap {
        self.to_http_with_room(0)
    }

    /// The same, with room for so many more fields.
    pub fn to_http_with_room(&self, fields: usize) -> HeaderMap {
        self.0.to_http_with_room(fields)
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.map() == other.map()
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Headers").field(&self.map()).finish()
    }
}

#[cfg(test)]
mod tests;
