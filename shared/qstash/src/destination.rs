//! Destinations of messages.

mod called;

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use crate::error::cut;
use crate::names::TOKEN_PARAMETER;
use crate::names::strip_upstash;
use crate::{Invalid, is_resource_name};
pub use called::Called;
pub use called::without_user_info;
use called::{after_scheme, authority_length};

/// The maximum length of a URL in bytes. Common servers reject longer request lines.
pub const MAX_BYTES: usize = 8192;

/// An absolute `http` or `https` URL with a host.
///
/// The text stays verbatim, because QStash's tests compare it: without the slash that URL parsers append to a bare
/// host. [`Called`] is the form that is requested and signed.
///
/// `user:password@` is not part of it: it becomes the `Authorization` header of the deliveries, as in common HTTP
/// clients, and is never shown. Serde, which is for storage, keeps it.
///
/// The address policy (loopback, private networks) is not checked here but when the connection is made: by then a
/// name can resolve to another address.
#[derive(Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct Destination {
    text: String,
    called: Called,
    user_info: Option<String>,
}

impl Destination {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// `invalid destination url: …` if the text is not an absolute http(s) URL with a host, is longer than
    /// [`MAX_BYTES`], or contains characters that URL parsers silently drop or reinterpret (whitespace, control
    /// characters, a backslash before the path).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::new(text.to_owned())
    }

    fn new(text: String) -> Result<Self, Invalid> {
        match check(&text) {
            Ok(called) => {
                let (text, user_info) = without_user_info(text);
                Ok(Self { text, called, user_info })
            }
            Err(reason) => Err(reject(&text, &reason)),
        }
    }

    /// Returns the URL as given, without user info.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the URL of the request.
    pub fn url(&self) -> &Url {
        &self.called.url
    }

    /// Returns the `Authorization` value of the user info.
    pub fn authorization(&self) -> Option<&str> {
        self.called.authorization.as_deref()
    }

    /// Removes the user info, so that the serialized form can be shown.
    pub fn without_user_info(mut self) -> Self {
        self.user_info = None;
        self.called.authorization = None;
        self
    }

    /// Returns the stored form: with user info.
    pub fn to_stored(&self) -> String {
        match &self.user_info {
            Some(user_info) => {
                let start = self.text.len() - after_scheme(&self.text).unwrap_or_default().len();
                format!("{}{user_info}@{}", &self.text[..start], &self.text[start..])
            }
            None => self.text.clone(),
        }
    }

    /// Parses the part of a request's path after `/v2/publish/`; path and query are still percent-encoded.
    ///
    /// The query belongs to the destination, except `qstash_token` and every `upstash-*` parameter in any case; the
    /// rest stays unchanged, in its order. A destination that does not begin with `http://` or `https://` is
    /// percent-decoded once; its own query then precedes that of the request. If the result is not a URL, it is the
    /// name of a URL group.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and for QStash's `api/…` destinations, which are not supported.
    pub fn from_raw(rest_of_path: &str, query: Option<&str>) -> Result<Target, Invalid> {
        let path = if has_web_scheme(rest_of_path) {
            Cow::Borrowed(rest_of_path)
        } else {
            percent_decode_str(rest_of_path).decode_utf8().map_err(|_| reject(rest_of_path, "not valid UTF-8"))?
        };
        if has_web_scheme(&path) {
            return Self::new(with_query(&path, query)).map(Target::Url);
        }
        if is_resource_name(&path) {
            return Ok(Target::Group(path.into_owned()));
        }
        Err(match path.as_ref() {
            "" => Invalid::verbatim("destination", "invalid destination url: it is missing"),
            api if api.starts_with("api/") => Invalid::new("destination", format!("{} is not supported", shown(api))),
            other => reject(other, "it must begin with http:// or https://"),
        })
    }
}

/// The target of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One URL.
    Url(Destination),
    /// The URL group of this name.
    Group(String),
}

fn has_web_scheme(text: &str) -> bool {
    after_scheme(text).is_some()
}

fn check(text: &str) -> Result<Called, Cow<'static, str>> {
    if text.len() > MAX_BYTES {
        return Err(format!("longer than {MAX_BYTES} bytes").into());
    }
    let rest = after_scheme(text).ok_or("it must begin with http:// or https://")?;
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("it contains a space or a control character".into());
    }
    let authority = &rest[..authority_length(rest)];
    if authority.is_empty() {
        return Err("it has no host".into());
    }
    if authority.contains('\\') {
        return Err("it contains a backslash before the path".into());
    }
    Called::parse(text).map_err(|error| error.to_string().into())
}

/// Returns `path` with the destination's part of `query`.
fn with_query(path: &str, query: Option<&str>) -> String {
    let (path, fragment) = match path.find('#') {
        Some(start) => path.split_at(start),
        None => (path, ""),
    };
    let mut text = path.to_owned();
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !name.eq_ignore_ascii_case(TOKEN_PARAMETER) && strip_upstash(name).is_none() {
            text.push(separator);
            text.push_str(pair);
            separator = '&';
        }
    }
    text.push_str(fragment);
    text
}

fn reject(text: &str, reason: &str) -> Invalid {
    Invalid::verbatim("destination", format!("invalid destination url: {reason}: {}", shown(text)))
}

/// In a text that is not a URL, the end of a password is unknown. The part before an `@`, plain or encoded, may
/// contain one.
fn shown(text: &str) -> String {
    let after = ["@", "%40", "%2540"].iter().filter_map(|at| Some(text.rfind(at)? + at.len())).max();
    let (hidden, rest) = after.map_or(("", text), |start| ("…@", &text[start..]));
    format!("\"{hidden}{}\"", cut(rest).escape_debug())
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({:?})", self.text)
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_stored())
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
