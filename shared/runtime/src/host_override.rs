//! Host overrides: addresses that replace name resolution for a host.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use url::Host;

/// `HOST=ADDR`: deliveries to this host name connect to this address. The `Host` header, the name that TLS verifies
/// and the signature stay as in the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOverride {
    /// The host name as the URL parser writes it (lower case, no port).
    pub host: String,
    /// The address to connect to. Port 0 means the scheme's default port; a port in the URL takes precedence over
    /// this one.
    pub address: SocketAddr,
}

/// A text that is not `HOST=ADDR`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not HOST=ADDR, with a host name and an address, e.g. api.example=127.0.0.1:8443 or api.example=::1")]
pub struct InvalidOverride(String);

impl FromStr for HostOverride {
    type Err = InvalidOverride;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('=').and_then(|(host, address)| {
            // An address in a URL is not resolved, so only names can be overridden.
            let Ok(Host::Domain(host)) = Host::parse(host) else { return None };
            let with_port = address.parse::<SocketAddr>();
            let address =
                with_port.or_else(|_| Ok::<_, std::net::AddrParseError>((address.parse::<IpAddr>()?, 0).into()));
            Some(Self { host, address: address.ok()? })
        });
        parsed.ok_or_else(|| InvalidOverride(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, String)> {
        let parsed = text.parse::<HostOverride>().ok()?;
        Some((parsed.host, parsed.address.to_string()))
    }

    #[test]
    fn a_host_is_led_to_an_address_with_or_without_a_port() {
        let led = |host: &str, address: &str| Some((host.to_owned(), address.to_owned()));
        assert_eq!(parsed("Api.Example=127.0.0.1:8443"), led("api.example", "127.0.0.1:8443"));
        assert_eq!(parsed("api.example=10.0.0.7"), led("api.example", "10.0.0.7:0"));
        assert_eq!(parsed("api.example=::1"), led("api.example", "[::1]:0"));
        assert_eq!(parsed("api.example=[::1]:8443"), led("api.example", "[::1]:8443"));
    }

    #[test]
    fn what_is_not_a_name_and_an_address_is_rejected() {
        for text in ["api.example", "=127.0.0.1", "api.example=", "api.example=other.example", "127.0.0.1=127.0.0.2"] {
            let rejected = text.parse::<HostOverride>().expect_err(text).to_string();
            assert!(rejected.contains("is not HOST=ADDR"), "{rejected}");
        }
    }
}
