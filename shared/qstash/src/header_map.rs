//! Headers as stored and shown: a JSON object of names and lists of values.

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

/// The name under which the `Authorization` of a URL's user info is stored. It is not a valid header name, so that
/// older releases neither show nor send it.
const URL_AUTHORIZATION: &str = ":authorization";

/// Headers under their canonical names (Go's casing, `Bypass-Tunnel-Reminder`), the form in which
/// QStash stores and returns them; the SDK tests compare it literally.
///
/// Headers of a delivery and of its response stay in HTTP's form: a tree of texts would cost more than the rest of a
/// small request.
#[derive(Clone, Default, JsonSchema)]
#[schemars(with = "BTreeMap<String, Vec<String>>")]
pub struct Headers(Fields);

impl Headers {
    /// Returns whether there are no headers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a header to one value, and removes earlier ones.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        self.map_mut().insert(canonical_name(name), vec![value.into()]);
    }

    /// Appends a value to a header.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.map_mut().entry(canonical_name(name)).or_default().push(value.into());
    }

    /// Returns the first value of a header; the name is case-insensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// Returns the size of names and values in bytes; each value counts with its name, as on the wire.
    pub fn size_bytes(&self) -> usize {
        self.0.size_bytes()
    }

    /// Returns the values by canonical name, in the order of storage.
    pub fn map(&self) -> Cow<'_, BTreeMap<String, Vec<String>>> {
        self.0.tree()
    }

    /// Returns the mutable map.
    pub fn map_mut(&mut self) -> &mut BTreeMap<String, Vec<String>> {
        self.0.tree_mut()
    }

    /// Converts all headers of a request or response. A value that is not UTF-8 is decoded as Latin-1, which accepts
    /// every byte sequence, so that every response can be recorded.
    pub fn from_http(headers: HeaderMap) -> Self {
        Self(Fields::from_http(headers))
    }

    /// Stores the `Authorization` of a URL's user info. It is sent unless there is another one, and never shown.
    pub fn set_url_authorization(&mut self, authorization: &str) {
        self.map_mut().insert(URL_AUTHORIZATION.to_owned(), vec![authorization.to_owned()]);
    }

    /// Returns the headers as shown: as text, and without the `Authorization` of a URL's user info.
    pub fn shown(&self) -> Self {
        let shown = |values: &Vec<String>| values.iter().map(|value| value::text_of(value).to_owned()).collect();
        let map = self.map();
        let headers = map.iter().filter(|(name, _)| *name != URL_AUTHORIZATION);
        Self(Fields::Tree(headers.map(|(name, values)| (name.clone(), shown(values))).collect()))
    }

    /// Converts to headers of a request. Invalid headers (the database may be written by other programs) are omitted.
    pub fn to_http(&self) -> HeaderMap {
        self.to_http_with_room(0)
    }

    /// As [`to_http`](Self::to_http), with capacity for this number of further fields.
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
