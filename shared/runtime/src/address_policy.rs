//! The addresses that deliveries may connect to. Addresses outside the public internet are rejected (loopback,
//! private, link-local with the metadata services of clouds, and the other special-purpose blocks) unless they are
//! allowed by host name or by network.
//!
//! The check applies to the address of each connection: a name that resolves to a public address at the publish and
//! to `127.0.0.1` at the delivery is rejected.

mod special_purpose;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::HostOverride;
use crate::host_pattern::HostPattern;
use special_purpose::{special_purpose, unwrapped};

/// The policy, shared by the publish API (addresses written in the URL) and the HTTP client (every connection).
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    networks: Vec<IpNet>,
    hosts: Vec<HostPattern>,
    overrides: Vec<HostOverride>,
}

/// A target that the policy rejects. The text begins as QStash's, then names the setting that permits the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid destination url: endpoint resolves to a {kind} address{}; to permit it, name it in ALLOW_TARGETS \
     (serve: --allow-targets)",
    .address.map(|address| format!(": {address}")).unwrap_or_default()
)]
pub struct Rejected {
    kind: &'static str,
    /// The address as written in the URL. The resolved address of a name is not shown to the publisher.
    address: Option<IpAddr>,
}

impl Rejected {
    /// Removes an address that the resolver returned, for a text that a publisher may read.
    pub(crate) fn without_address(self) -> Self {
        Self { address: None, ..self }
    }
}

impl AddressPolicy {
    /// Returns a policy that allows public addresses only.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Returns a policy that allows public addresses and loopback. `sigpost dev` uses it.
    pub fn with_loopback() -> Self {
        Self {
            networks: vec![
                IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
                IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            ],
            ..Self::default()
        }
    }

    /// Returns a policy that allows public addresses and the listed networks (`10.0.0.0/8`), addresses (`10.1.2.3`),
    /// host names (`billing.internal`) and subdomains (`*.internal`).
    pub fn allowing<S: AsRef<str>>(items: &[S]) -> Result<Self, InvalidTarget> {
        let mut policy = Self::default();
        for item in items {
            policy.allow(item.as_ref())?;
        }
        Ok(policy)
    }

    /// Adds overrides: connections to these hosts use the given addresses, which may be of any kind because the
    /// operator has named each one. The last override of a host wins.
    pub fn with_overrides(mut self, overrides: Vec<HostOverride>) -> Self {
        self.hosts.extend(overrides.iter().map(|to| HostPattern::Name(to.host.clone())));
        self.overrides.extend(overrides);
        self
    }

    /// Returns the overrides, which take precedence over name resolution.
    pub fn overrides(&self) -> &[HostOverride] {
        &self.overrides
    }

    fn allow(&mut self, item: &str) -> Result<(), InvalidTarget> {
        if let Ok(network) = IpNet::from_str(item) {
            self.networks.push(network);
        } else if let Ok(address) = IpAddr::from_str(item) {
            self.networks.push(IpNet::from(address));
        } else {
            self.hosts.push(item.parse().map_err(|_| InvalidTarget(item.to_owned()))?);
        }
        Ok(())
    }

    /// Returns whether the host name may resolve to any address.
    pub fn allows_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host))
    }

    /// Checks whether a connection to the address is allowed.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Rejected> {
        let plain = unwrapped(address);
        match special_purpose(plain) {
            Some(kind) if !self.networks.iter().any(|network| network.contains(&plain)) => {
                Err(Rejected { kind, address: Some(plain) })
            }
            _ => Ok(()),
        }
    }

    /// Checks the host of a URL without name resolution: an address (the parser has already normalized decimal, octal
    /// and hexadecimal forms) or `localhost`. Other names are checked when a connection is made.
    pub fn check_url(&self, url: &Url) -> Result<(), Rejected> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            // `localhost` resolves to both loopback addresses; the resolver removes the one that is not allowed.
            Some(Host::Domain(name)) if is_localhost(name) && !self.allows_host(name) => self
                .check_address(Ipv4Addr::LOCALHOST.into())
                .or_else(|_| self.check_address(Ipv6Addr::LOCALHOST.into())),
            _ => Ok(()),
        }
    }
}

/// An entry of the allow list that is neither a network, an address nor a host name.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither a network (10.0.0.0/8), an address, a host name nor a pattern (*.internal)")]
pub struct InvalidTarget(String);

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(policy: &AddressPolicy, url: &str) -> bool {
        policy.check_url(&Url::parse(url).expect(url)).is_ok()
    }

    #[test]
    fn every_way_to_write_a_special_address_is_rejected() {
        let policy = AddressPolicy::public_only();
        for url in [
            "http://127.0.0.1/",
            "http://127.8.9.10/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[2002:7f00:1::]/",
            "http://localhost/",
            "http://LOCALHOST:8080/",
            "http://api.localhost/",
            "http://localhost./",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://100.64.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://198.18.0.1/",
            "http://[ff02::1]/",
            "http://[2001::1]/",
        ] {
            assert!(!allowed(&policy, url), "{url} was allowed");
        }
    }

    #[test]
    fn public_addresses_and_names_are_allowed() {
        let policy = AddressPolicy::public_only();
        for url in [
            "https://example.com/",
            "http://93.184.216.34/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "https://[2606:2800:220:1:248:1893:25c8:1946]/",
            "http://[64:ff9b::8.8.8.8]/",
            "https://notlocalhost/",
        ] {
            assert!(allowed(&policy, url), "{url} was rejected");
        }
    }

    #[test]
    fn an_allow_list_opens_exactly_what_it_names() {
        let policy =
            AddressPolicy::allowing(&["10.1.0.0/16", "192.168.7.7", "*.corp.example", "db.internal"]).expect("list");
        assert!(allowed(&policy, "http://10.1.200.3/"));
        assert!(allowed(&policy, "http://[::ffff:10.1.0.1]/"));
        assert!(!allowed(&policy, "http://10.2.0.1/"));
        assert!(allowed(&policy, "http://192.168.7.7/"));
        assert!(!allowed(&policy, "http://127.0.0.1/"));
        assert!(policy.allows_host("a.corp.example") && !policy.allows_host("corp.example"));
        assert!(policy.allows_host("db.internal") && !policy.allows_host("xdb.internal"));
        assert!(AddressPolicy::allowing(&["10.0.0.0/99"]).is_err());
        assert!(AddressPolicy::allowing(&["not a host"]).is_err());
    }

    #[test]
    fn localhost_is_allowed_with_either_of_its_addresses() {
        for (networks, is_allowed) in [
            (&["127.0.0.1"][..], true),
            (&["127.0.0.0/8"], true),
            (&["::1"], true),
            (&["localhost"], true),
            (&["10.0.0.0/8"], false),
        ] {
            let policy = AddressPolicy::allowing(networks).expect("list");
            assert_eq!(allowed(&policy, "http://localhost:3000/"), is_allowed, "{networks:?}");
        }
    }

    #[test]
    fn a_rejection_begins_as_in_qstash_and_names_the_setting() {
        let rejected =
            AddressPolicy::public_only().check_url(&Url::parse("http://[::1]/").expect("url")).expect_err("rejected");
        assert_eq!(
            rejected.to_string(),
            "invalid destination url: endpoint resolves to a loopback address: ::1; to permit it, name it in ALLOW_TARGETS \
             (serve: --allow-targets)"
        );
    }
}
