//! Destinations: the scheme, host and port that messages share.

use std::fmt;

/// A destination, as stored in the column `pending_deliveries.destination`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination(pub i64);

impl Destination {
    /// Returns the destination of a stored URL: the FNV-1a hash of the part before its path. Two destinations with
    /// the same hash share only their limit.
    pub fn of(url: &str) -> Self {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let host_at = url.find("://").map_or(0, |scheme_ends_at| scheme_ends_at + 3);
        let path_at = url[host_at..].find(['/', '?', '#']).map_or(url.len(), |length| host_at + length);
        let hash = url[..path_at].bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        Self(hash.cast_signed())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn scheme_host_and_port_make_a_destination() {
        let hook = Destination::of("https://example.com/hook");
        for same in
            ["https://example.com", "https://example.com/", "https://example.com/other?a=b", "https://example.com?a"]
        {
            assert_eq!(Destination::of(same), hook, "{same}");
        }
        for other in ["http://example.com/hook", "https://example.com:8443/hook", "https://example.org/hook", ""] {
            assert_ne!(Destination::of(other), hook, "{other}");
        }
    }

    #[test]
    fn hash_of_a_stored_message_never_changes() {
        // Published test vector of 64-bit FNV-1a.
        assert_eq!(Destination::of("foobar").to_string(), "85944171f73967e8");
    }
}
