//! Host patterns: one host name, or all subdomains of one.

use std::str::FromStr;

use url::Host;

/// `billing.internal`, or `*.internal`.
#[derive(Clone, Debug)]
pub(crate) enum HostPattern {
    /// Exactly this name.
    Name(String),
    /// Every name with this suffix, which begins with a dot.
    Under(String),
}

/// A text that is neither a host name nor a pattern.
#[derive(Debug, thiserror::Error)]
#[error("neither a host name nor a pattern (*.internal)")]
pub(crate) struct InvalidHost;

impl HostPattern {
    /// Returns whether the host, in lower case as in URLs, matches.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => name == host,
            Self::Under(suffix) => host.ends_with(suffix.as_str()),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let (name, under) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        match Host::parse(name) {
            Ok(Host::Domain(name)) if under => Ok(Self::Under(format!(".{name}"))),
            Ok(Host::Domain(name)) => Ok(Self::Name(name)),
            _ => Err(InvalidHost),
        }
    }
}
