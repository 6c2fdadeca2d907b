use std::net::IpAddr;

use super::{V4, V6, special_purpose, unwrapped};

fn kind_of(text: &str) -> Option<&'static str> {
    special_purpose(unwrapped(text.parse::<IpAddr>().expect(text)))
}

/// For each row of the registries: the first and the last address, the kind, and the adjacent public addresses.
const ROWS: &[(&str, &str, &str, &[&str])] = &[
    ("0.0.0.0", "0.255.255.255", "unspecified", &["1.0.0.0"]),
    ("10.0.0.0", "10.255.255.255", "private", &["9.255.255.255", "11.0.0.0"]),
    ("100.64.0.0", "100.127.255.255", "shared", &["100.63.255.255", "100.128.0.0"]),
    ("127.0.0.0", "127.255.255.255", "loopback", &["126.255.255.255", "128.0.0.0"]),
    ("169.254.0.0", "169.254.255.255", "link-local", &["169.253.255.255", "169.255.0.0"]),
    ("172.16.0.0", "172.31.255.255", "private", &["172.15.255.255", "172.32.0.0"]),
    ("192.0.0.0", "192.0.0.255", "reserved", &["191.255.255.255", "192.0.1.0"]),
    ("192.0.2.0", "192.0.2.255", "reserved", &["192.0.1.255", "192.0.3.0"]),
    ("192.88.99.0", "192.88.99.255", "reserved", &["192.88.98.255", "192.88.100.0"]),
    ("192.168.0.0", "192.168.255.255", "private", &["192.167.255.255", "192.169.0.0"]),
    ("198.18.0.0", "198.19.255.255", "benchmarking", &["198.17.255.255", "198.20.0.0"]),
    ("198.51.100.0", "198.51.100.255", "reserved", &["198.51.99.255", "198.51.101.0"]),
    ("203.0.113.0", "203.0.113.255", "reserved", &["203.0.112.255", "203.0.114.0"]),
    ("224.0.0.0", "239.255.255.255", "multicast", &["223.255.255.255"]),
    ("240.0.0.0", "255.255.255.255", "reserved", &[]),
    ("::", "::", "unspecified", &[]),
    ("::1", "::1", "loopback", &[]),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "reserved", &["64:ff9b:2::", "64:ff9a:ffff:ffff::"]),
    ("100::", "100::ffff:ffff:ffff:ffff", "reserved", &["ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    ("100:0:0:1::", "100::1:ffff:ffff:ffff:ffff", "reserved", &["100:0:0:2::"]),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", &["2000:ffff::", "2001:200::"]),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", &["2001:db7:ffff::", "2001:db9::"]),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", &["3ffe:ffff::", "3fff:1000::"]),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved", &["5eff:ffff::", "5f01::"]),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private", &["fbff:ffff::", "fe00::"]),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local", &["fe7f:ffff::"]),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private", &[]),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast", &[]),
];

#[test]
fn every_block_ends_where_its_registry_says() {
    assert_eq!(ROWS.len(), V4.len() + V6.len(), "a row of the tables has no test");
    for (first, last, kind, outside) in ROWS {
        assert_eq!((kind_of(first), kind_of(last)), (Some(*kind), Some(*kind)), "{first} to {last}");
        for address in *outside {
            assert_eq!(kind_of(address), None, "{address}");
        }
    }
}

/// Returns the IPv4 address and every IPv6 form that embeds it.
fn forms(v4: &str) -> Vec<String> {
    let [a, b, c, d] = v4.parse::<std::net::Ipv4Addr>().expect(v4).octets();
    let (high, low) = (format!("{a:02x}{b:02x}"), format!("{c:02x}{d:02x}"));
    vec![
        v4.to_owned(),
        format!("::ffff:{v4}"),
        format!("::ffff:{high}:{low}"),
        format!("::{v4}"),
        format!("::ffff:0:{v4}"),
        format!("::ffff:0:{high}:{low}"),
        format!("64:ff9b::{v4}"),
        format!("2002:{high}:{low}::1"),
    ]
}

#[test]
fn an_embedded_ipv4_address_is_judged() {
    for (first, last, kind, outside) in ROWS.iter().filter(|(first, ..)| !first.contains(':')) {
        // `::0.0.0.0` is the unspecified address of IPv6.
        for form in forms(first).into_iter().chain(forms(last)) {
            assert_eq!(kind_of(&form), Some(*kind), "{form}");
        }
        for form in outside.iter().flat_map(|address| forms(address)) {
            assert_eq!(kind_of(&form), None, "{form}");
        }
    }
    // Teredo, with 10.0.0.1 and with 8.8.8.8 as the client.
    for address in ["2001:0:808:808:0:0:f5ff:fffe", "2001:0:808:808:0:0:f7f7:f7f7"] {
        assert_eq!(kind_of(address), Some("reserved"), "{address}");
    }
}

#[test]
fn public_addresses_of_the_registries_are_public() {
    for address in ["192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1", "2606:2800:220:1::1"] {
        assert_eq!(kind_of(address), None, "{address}");
    }
}

#[test]
fn addresses_that_were_once_accepted_are_special() {
    for address in ["::ffff:0:a9fe:a9fe", "::ffff:0:127.0.0.1", "::0.0.1.1", "5f00::1", "100:0:0:1::1"] {
        assert!(kind_of(address).is_some(), "{address}");
    }
}
