//! Hashes of what every message has, for the CREATED row of the log: a search looks for them, and
//! compares what it finds with the text.
//!
//! They are stored, so they never change: the first four bytes of SHA-256. The migration that added
//! them computes the same.

use sha2::{Digest, Sha256};

/// Of any text.
pub(crate) fn hash(text: &str) -> i32 {
    let digest = Sha256::digest(text);
    i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Of a host, with or without its port, in any case. Every IPv6 address has the same.
pub(crate) fn of_host(authority: &str) -> i32 {
    hash(&authority.split(':').next().unwrap_or_default().to_ascii_lowercase())
}

/// Of the host that a URL names.
pub(crate) fn of_host_in(url: &str) -> i32 {
    of_host(authority_and_path(url).0)
}

/// Of the path in a URL.
pub(crate) fn of_path_in(url: &str) -> i32 {
    hash(authority_and_path(url).1)
}

/// The parts of a URL that was checked when it was published: it has a scheme and a host.
fn authority_and_path(url: &str) -> (&str, &str) {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = rest.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
    (authority.rsplit('@').next().unwrap_or_default(), path)
}

#[cfg(test)]
mod tests {
    use super::{authority_and_path, hash};

    #[test]
    fn urls_are_taken_apart_as_by_the_migration() {
        for (url, parts) in [
            ("http://a", ("a", "/")),
            ("http://a/", ("a", "/")),
            ("https://A.b:80/x/y?z=/1", ("A.b:80", "/x/y")),
            ("http://u:p@h.x?q=/", ("h.x", "/")),
            ("https://[::1]:80/p#f?", ("[::1]:80", "/p")),
        ] {
            assert_eq!(authority_and_path(url), parts, "{url}");
        }
    }

    #[test]
    fn a_hash_is_what_it_always_was() {
        // sha256sum.
        assert_eq!(hash(""), i32::from_be_bytes([0xe3, 0xb0, 0xc4, 0x42]));
    }
}
