//! The request form of a destination.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::{ParseError, Url};

/// A destination as requested.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Called {
    /// The parsed URL without user info and fragment, which are not sent.
    pub url: Url,
    /// `Basic …`, if the text had user info.
    pub authorization: Option<String>,
    /// Whether the text has neither path nor query.
    is_bare_host: bool,
}

impl Called {
    /// Parses a stored URL, which may be from a release that kept user info in it.
    ///
    /// # Errors
    ///
    /// Those of the URL parser.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut url = Url::parse(text)?;
        let before_fragment = text.split('#').next().unwrap_or_default();
        let is_bare_host = after_scheme(before_fragment).is_some_and(|rest| authority_length(rest) == rest.len());
        let (user, password) = (url.username(), url.password());
        let authorization = (!user.is_empty() || password.is_some()).then(|| {
            let mut credentials: Vec<u8> = percent_decode_str(user).collect();
            credentials.push(b':');
            credentials.extend(percent_decode_str(password.unwrap_or_default()));
            format!("Basic {}", STANDARD.encode(credentials))
        });
        url.set_fragment(None);
        // Both calls fail for a URL without a host, which has no user info.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Ok(Self { url, authorization, is_bare_host })
    }

    /// Returns the URL in the signature: the requested one, as a receiver sees its own URL. For a bare host it has no
    /// slash, as in QStash.
    pub fn signed(&self) -> &str {
        let url = self.url.as_str();
        if self.is_bare_host { url.strip_suffix('/').unwrap_or(url) } else { url }
    }
}

/// Removes `user:password@` from the text of a URL, which otherwise stays unchanged.
pub fn without_user_info(mut text: String) -> (String, Option<String>) {
    let Some(rest) = after_scheme(&text) else { return (text, None) };
    let Some(length) = rest[..authority_length(rest)].rfind('@') else { return (text, None) };
    let start = text.len() - rest.len();
    let mut user_info: String = text.drain(start..=start + length).collect();
    user_info.pop();
    (text, Some(user_info))
}

/// Returns the part after `http://` or `https://`.
pub(super) fn after_scheme(text: &str) -> Option<&str> {
    ["http://", "https://"].into_iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

/// Returns the length of host, port and user info after the scheme.
pub(super) fn authority_length(after_scheme: &str) -> usize {
    after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_is_signed_without_a_slash() {
        for (text, signed) in [
            ("https://example.com", "https://example.com"),
            ("HTTPS://u:p@EXAMPLE.com:443#part", "https://example.com"),
            ("https://example.com/", "https://example.com/"),
            ("https://example.com?", "https://example.com/?"),
            ("https://example.com?x=/", "https://example.com/?x=/"),
            ("https://example.com/a/..", "https://example.com/"),
            ("https://example.com/hook?name=O'Brien", "https://example.com/hook?name=O%27Brien"),
        ] {
            assert_eq!(Called::parse(text).unwrap().signed(), signed, "{text}");
        }
    }

    #[test]
    fn user_info_becomes_basic_authorization() {
        for (text, url, authorization, shown) in [
            ("http://a.com", "http://a.com/", None, "http://a.com"),
            ("http://user:p%40ss@a.com/ui", "http://a.com/ui", Some("dXNlcjpwQHNz"), "http://a.com/ui"),
            ("http://user@a.com", "http://a.com/", Some("dXNlcjo="), "http://a.com"),
            ("http://:pass@a.com:81", "http://a.com:81/", Some("OnBhc3M="), "http://a.com:81"),
            ("http://u:p@ss@a.com/@x", "http://a.com/@x", Some("dTpwQHNz"), "http://a.com/@x"),
            ("http://us%C3%A9r:%FF@a.com", "http://a.com/", Some("dXPDqXI6/w=="), "http://a.com"),
            ("http://@a.com/", "http://a.com/", None, "http://a.com/"),
            ("http://a.com/u:p@x?y@z#q", "http://a.com/u:p@x?y@z", None, "http://a.com/u:p@x?y@z#q"),
            ("HTTPS://U:P@A.com:443/a/../b", "https://a.com/b", Some("VTpQ"), "HTTPS://A.com:443/a/../b"),
        ] {
            let called = Called::parse(text).unwrap();
            assert_eq!(called.url.as_str(), url, "{text}");
            assert_eq!(called.authorization, authorization.map(|text| format!("Basic {text}")), "{text}");
            assert_eq!(without_user_info(text.to_owned()).0, shown, "{text}");
        }
    }
}
