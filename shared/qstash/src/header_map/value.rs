//! Values of headers as texts.

use std::borrow::Cow;

/// Stands before a stored value that is Latin-1. A header value has no control character.
const LATIN_1: char = '\u{1}';

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

/// A stored value as it is shown.
pub(super) fn text_of(stored: &str) -> &str {
    stored.strip_prefix(LATIN_1).unwrap_or(stored)
}

/// Every byte sequence is Latin-1.
pub(crate) fn latin_1(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes.iter().copied().map(char::from)
}
