//! Header names in Go's casing.

/// Returns the name in Go's canonical casing: the first letter and each letter after a hyphen in upper case, the
/// others in lower case. A name with an invalid character stays unchanged, as in Go's
/// `textproto.CanonicalMIMEHeaderKey`.
pub fn canonical_name(name: &str) -> String {
    let mut canonical = name.to_owned();
    if name.bytes().all(is_token) {
        canonical.make_ascii_lowercase();
        for start in std::iter::once(0).chain(name.match_indices('-').map(|(at, _)| at + 1)) {
            if let Some(letter) = canonical.get_mut(start..=start) {
                letter.make_ascii_uppercase();
            }
        }
    }
    canonical
}

/// Returns whether the name is valid and in canonical casing.
pub(super) fn is_canonical(name: &str) -> bool {
    let mut is_start = true;
    !name.is_empty()
        && name.bytes().all(|byte| {
            let is_cased = if is_start { !byte.is_ascii_lowercase() } else { !byte.is_ascii_uppercase() };
            is_start = byte == b'-';
            is_cased && is_token(byte)
        })
}

/// Returns whether the byte is a `tchar` of RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wire reference, section 0: trap 11.
    #[test]
    fn names_get_go_casing() {
        for (name, canonical) in [
            ("content-type", "Content-Type"),
            ("BYPASS-tunnel-REMINDER", "Bypass-Tunnel-Reminder"),
            ("x-3d_model", "X-3d_model"),
            ("", ""),
            ("with space", "with space"),
            ("ünicode", "ünicode"),
        ] {
            assert_eq!(canonical_name(name), canonical);
        }
    }

    #[test]
    fn a_name_is_canonical_if_it_stays_as_it_is() {
        for name in ["Content-Type", "X-3d_model", "-A", "A-", "content-type", "CONTENT-TYPE", "X--A", "X--a", "_a"] {
            assert_eq!(is_canonical(name), canonical_name(name) == name, "{name}");
        }
        for name in ["", "With space", "Ünicode", ":authorization"] {
            assert!(!is_canonical(name), "{name}");
        }
    }
}
