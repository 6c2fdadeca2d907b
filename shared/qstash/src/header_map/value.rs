//! Header values as texts.

use std::borrow::Cow;

/// Marks a stored value as Latin-1. Header values have no control characters.
const LATIN_1: char = '\u{1}';

/// Returns the stored form of a value: UTF-8 unchanged, other bytes as Latin-1 (RFC 9110 section 5.5) after a mark,
/// so that [`bytes_of`] returns the same bytes.
pub(crate) fn stored(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => std::iter::once(LATIN_1).chain(latin_1(value)).collect(),
    }
}

/// Returns the bytes of a stored value.
pub(crate) fn bytes_of(stored: &str) -> Cow<'_, [u8]> {
    match stored.strip_prefix(LATIN_1) {
        // Characters outside Latin-1 cannot occur after the mark.
        Some(text) => text.chars().filter_map(|c| u8::try_from(c).ok()).collect::<Vec<_>>().into(),
        None => stored.as_bytes().into(),
    }
}

/// Returns a stored value as shown.
pub(super) fn text_of(stored: &str) -> &str {
    stored.strip_prefix(LATIN_1).unwrap_or(stored)
}

/// Decodes Latin-1, which accepts every byte sequence.
pub(crate) fn latin_1(bytes: &[u8]) -> impl Iterator<Item = char> {
    bytes.iter().copied().map(char::from)
}
