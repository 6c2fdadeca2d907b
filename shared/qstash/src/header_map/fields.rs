//! The two forms of headers in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::BytesMut;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::URL_AUTHORIZATION;
use super::name::canonical_name;
use super::value::{bytes_of, latin_1};

/// Headers in memory. Both forms have the same JSON.
#[derive(Clone)]
pub(super) enum Fields {
    /// Under canonical names, with values as they are stored.
    Tree(BTreeMap<String, Vec<String>>),
    /// Every value is UTF-8.
    Http(HeaderMap),
}

impl Default for Fields {
    fn default() -> Self {
        Self::Tree(BTreeMap::new())
    }
}

impl Fields {
    pub(super) fn from_http(mut headers: HeaderMap) -> Self {
        compact(&mut headers);
        if headers.values().all(|value| std::str::from_utf8(value.as_bytes()).is_ok()) {
            return Self::Http(headers);
        }
        let mut tree: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &headers {
            let text = match std::str::from_utf8(value.as_bytes()) {
                Ok(text) => text.to_owned(),
                Err(_) => latin_1(value.as_bytes()).collect(),
            };
            tree.entry(canonical_name(name.as_str())).or_default().push(text);
        }
        Self::Tree(tree)
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Tree(tree) => tree.is_empty(),
            Self::Http(headers) => headers.is_empty(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        match self {
            Self::Tree(tree) => tree.get(&canonical_name(name))?.first().map(String::as_str),
            Self::Http(headers) => headers.get(name).map(text),
        }
    }

    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Tree(tree) => {
                tree.iter().flat_map(|(name, values)| values.iter().map(|value| name.len() + value.len())).sum()
            }
            Self::Http(headers) => headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum(),
        }
    }

    pub(super) fn tree(&self) -> Cow<'_, BTreeMap<String, Vec<String>>> {
        match self {
            Self::Tree(tree) => Cow::Borrowed(tree),
            Self::Http(headers) => Cow::Owned(tree_of(headers)),
        }
    }

    pub(super) fn tree_mut(&mut self) -> &mut BTreeMap<String, Vec<String>> {
        if let Self::Http(headers) = self {
            *self = Self::Tree(tree_of(headers));
        }
        match self {
            Self::Tree(tree) => tree,
            Self::Http(_) => unreachable!("it has just become a tree"),
        }
    }

    pub(super) fn to_http_with_room(&self, fields: usize) -> HeaderMap {
        let tree = match self {
            Self::Http(headers) => {
                let mut copy = HeaderMap::with_capacity(headers.keys_len() + fields);
                copy.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
                return copy;
            }
            Self::Tree(tree) => tree,
        };
        let mut headers = HeaderMap::with_capacity(tree.len() + fields);
        for (name, values) in tree {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            for value in values {
                if let Ok(value) = HeaderValue::from_bytes(&bytes_of(value)) {
                    headers.append(&name, value);
                }
            }
        }
        if let Some(Ok(value)) = self.get(URL_AUTHORIZATION).map(HeaderValue::from_str) {
            headers.entry(AUTHORIZATION).or_insert(value);
        }
        headers
    }
}

/// Copies the values into memory of their own. They are slices of the buffer of the response, which may be much
/// larger and would stay allocated.
fn compact(headers: &mut HeaderMap) {
    let mut copies = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    for value in headers.values_mut() {
        copies.extend_from_slice(value.as_bytes());
        if let Ok(copy) = HeaderValue::from_maybe_shared(copies.split().freeze()) {
            *value = copy;
        }
    }
}

/// Returns the text of a value that is UTF-8, as all of [`Fields::Http`] are.
pub(super) fn text(value: &HeaderValue) -> &str {
    std::str::from_utf8(value.as_bytes()).unwrap_or_default()
}

fn tree_of(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let values = |name| headers.get_all(name).iter().map(|value| text(value).to_owned()).collect();
    headers.keys().map(|name| (canonical_name(name.as_str()), values(name))).collect()
}
