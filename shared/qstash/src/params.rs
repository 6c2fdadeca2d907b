//! The `Upstash-*` parameters of a request, from headers and query.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode;
use serde::{Deserialize, Serialize};

use crate::flag::parse_flag;
use crate::header_map::{latin_1, stored};
use crate::names::{EXTENSION_PREFIX, NEVER_FORWARDED, PREFIX, strip_upstash};
use crate::{Headers, Invalid, UrlGroupDefaults, canonical_name};

/// Maximum of query parameters. The HTTP server limits headers but not the query, and each query parameter is
/// compared with each header.
const MAX_QUERY_PARAMETERS: usize = 200;

/// The parameters of one message: `Upstash-*` headers, and query parameters of the same names
/// (QStash docs, "Use as webhook receiver").
///
/// A header takes precedence over a query parameter of the same name. Names are case-insensitive, in the query too:
/// unread parameters are sent to the destination, and a parameter must not be both. If a name occurs twice,
/// [`get`](Self::get) returns the first value. `Upstash-Forward-Upstash-Sigpost-X` is read as `Upstash-Sigpost-X`:
/// the official SDKs write it so.
///
/// Every publish runs this code, so it allocates only for values that it keeps. Serde is for storage: a schedule
/// stores the parameters of its messages, and parses them again for each one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// Lower-case name without `upstash-`, value.
    values: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    other_headers: Headers,
}

impl Params {
    /// Parses a request. Query values are form-decoded: percent-escapes, and `+` is a space.
    ///
    /// # Errors
    ///
    /// A value with a control character other than a tab, a query parameter that is not UTF-8, a malformed
    /// `Upstash-Header-Forward`, or too many query parameters.
    pub fn from_request(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Invalid> {
        Self::from_request_to_group(headers, query, &UrlGroupDefaults::default())
    }

    /// Parses a request to a URL group. The group's parameters apply where the request has none of the same name.
    ///
    /// # Errors
    ///
    /// As [`from_request`](Self::from_request).
    pub fn from_request_to_group(
        headers: &HeaderMap,
        query: Option<&str>,
        defaults: &UrlGroupDefaults,
    ) -> Result<Self, Invalid> {
        Self::read(|| headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), query, defaults)
    }

    /// Parses the `headers` object of a batch item; names are case-insensitive.
    ///
    /// # Errors
    ///
    /// As [`from_request`](Self::from_request), and a forwarded name that is not a valid header name.
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Result<Self, Invalid> {
        Self::from_pairs_to_group(pairs, &UrlGroupDefaults::default())
    }

    /// Parses a batch item to a URL group.
    ///
    /// # Errors
    ///
    /// As [`from_pairs`](Self::from_pairs).
    pub fn from_pairs_to_group<'a>(
        pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        defaults: &UrlGroupDefaults,
    ) -> Result<Self, Invalid> {
        Self::read(|| pairs.clone().map(|(name, value)| (name, value.as_bytes())), None, defaults)
    }

    /// Calls `headers` once, and once more to forward them.
    fn read<'a, I: Iterator<Item = (&'a str, &'a [u8])>>(
        headers: impl Fn() -> I,
        query: Option<&str>,
        defaults: &UrlGroupDefaults,
    ) -> Result<Self, Invalid> {
        let mut params = Self::default();
        params.read_headers(headers())?;
        if let Some(query) = query {
            params.read_query(query)?;
        }
        params = params.with_defaults(defaults)?;
        if let Some(forward) = params.get("header-forward").map(str::trim_ascii)
            && !forward.is_empty()
            && parse_flag("Upstash-Header-Forward", forward)?
        {
            params.other_headers = other_headers(&headers)?;
        }
        Ok(params)
    }

    /// Adds a URL group's parameters where these have none of the same name: for stored parameters, whose group is
    /// known when they are used. Other headers of a request without `Upstash-Header-Forward` were not stored.
    ///
    /// # Errors
    ///
    /// As [`from_request`](Self::from_request).
    pub fn with_defaults(mut self, defaults: &UrlGroupDefaults) -> Result<Self, Invalid> {
        if !defaults.headers.is_empty() {
            let mut of_group = Self::default();
            of_group.read_headers(defaults.pairs().map(|(name, value)| (name, value.as_bytes())))?;
            of_group.values.retain(|(name, _)| self.get(name).is_none());
            self.values.append(&mut of_group.values);
            self.content_type = self.content_type.or(of_group.content_type);
        }
        Ok(self)
    }

    fn read_headers<'a>(&mut self, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<(), Invalid> {
        for (name, value) in headers {
            if let Some(parameter) = strip_upstash(name) {
                let parameter = canonical_parameter(parameter);
                // Forwarded values keep their bytes; others are decoded as text.
                let value =
                    if is_forwarded(&parameter) { forwardable(name, value)? } else { header_text(name, value)? };
                self.values.push((parameter, value));
            } else if self.content_type.is_none() && name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) {
                self.content_type = Some(forwardable(name, value)?);
            }
        }
        Ok(())
    }

    fn read_query(&mut self, query: &str) -> Result<(), Invalid> {
        let from_headers = self.values.len();
        for pair in query.split('&') {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(parameter) = strip_upstash(raw_name) else {
                continue;
            };
            if self.values.len() - from_headers == MAX_QUERY_PARAMETERS {
                return Err(Invalid::new(
                    "query",
                    format!("must not have more than {MAX_QUERY_PARAMETERS} Upstash-* parameters"),
                ));
            }
            let parameter = canonical_parameter(parameter);
            if self.values[..from_headers].iter().any(|(name, _)| *name == parameter) {
                continue;
            }
            let spaced = raw_value.replace('+', " ");
            let decoded: Cow<'_, [u8]> = percent_decode(spaced.as_bytes()).into();
            let value = query_text(raw_name, &decoded)?;
            self.values.push((parameter, value));
        }
        Ok(())
    }

    /// Returns the value of a parameter; `name` is in lower case without `upstash-`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns every parameter in the order read: lower-case name without `upstash-`, value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Removes the parameters with these names; names as for [`get`](Self::get).
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.values.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// Returns `Content-Type` of the request.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the request's own headers for the destination with `Upstash-Header-Forward: true`; otherwise none.
    /// Headers that must not be forwarded are already removed: hop-by-hop headers, `Host`, `Content-Length`,
    /// `Authorization` (it held the token) and `Upstash-*`.
    pub fn other_headers(&self) -> &Headers {
        &self.other_headers
    }
}

/// Returns the name in lower case. An extension that was sent as a header to forward counts as the extension, because
/// the Python SDK turns every header it does not know into a forwarded one.
fn canonical_parameter(name: &str) -> String {
    let mut name = name.to_ascii_lowercase();
    for recipient in ["", "callback-", "failure-callback-"] {
        let forwarded = |name: &str| {
            name.strip_prefix(recipient)?
                .strip_prefix("forward-")?
                .strip_prefix(PREFIX)
                .filter(|name| name.starts_with(EXTENSION_PREFIX))
                .map(|extension| format!("{recipient}{extension}"))
        };
        if let Some(extension) = forwarded(&name) {
            name = extension;
        }
    }
    name
}

/// Decodes a header's value: UTF-8, or else Latin-1, which `fetch` sends (RFC 9110 section 5.5).
fn header_text(name: &str, value: &[u8]) -> Result<String, Invalid> {
    check_characters(name, value)?;
    Ok(std::str::from_utf8(value).map_or_else(|_| latin_1(value).collect(), str::to_owned))
}

/// Returns a header's value in the stored form that keeps its bytes.
fn forwardable(name: &str, value: &[u8]) -> Result<String, Invalid> {
    check_characters(name, value)?;
    Ok(stored(value))
}

/// Decodes a query parameter's value, which is UTF-8 by the URL standard.
fn query_text(name: &str, value: &[u8]) -> Result<String, Invalid> {
    let invalid = |reason| Invalid::new(canonical_name(name), reason);
    let text = std::str::from_utf8(value).map_err(|_| invalid("is not valid UTF-8"))?;
    match text.chars().any(|c| c.is_control() && c != '\t') {
        true => Err(invalid("contains a control character")),
        false => Ok(text.to_owned()),
    }
}

/// Rejects characters that headers do not allow: including NUL, which PostgreSQL cannot store.
fn check_characters(name: &str, value: &[u8]) -> Result<(), Invalid> {
    match value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        true => Err(Invalid::new(canonical_name(name), "contains a control character")),
        false => Ok(()),
    }
}

/// Returns whether the parameter, in lower case without `upstash-`, is a header for a destination or a callback.
fn is_forwarded(parameter: &str) -> bool {
    ["forward-", "callback-forward-", "failure-callback-forward-"].iter().any(|prefix| parameter.starts_with(prefix))
}

fn other_headers<'a, I: Iterator<Item = (&'a str, &'a [u8])>>(headers: impl Fn() -> I) -> Result<Headers, Invalid> {
    // RFC 9110 section 7.6.1: headers that `Connection` names are hop-by-hop, too.
    let mut connection_options: Vec<&[u8]> = Vec::new();
    for (name, value) in headers() {
        if name.eq_ignore_ascii_case(CONNECTION.as_str()) {
            connection_options.extend(value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
        }
    }
    let mut others = Headers::default();
    for (name, value) in headers() {
        let stays_behind = strip_upstash(name).is_some()
            || name.eq_ignore_ascii_case(AUTHORIZATION.as_str())
            || NEVER_FORWARDED.iter().any(|never| name.eq_ignore_ascii_case(never))
            || connection_options.iter().any(|option| name.as_bytes().eq_ignore_ascii_case(option));
        if !stays_behind {
            // The keys of a batch item may be any text.
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::new(name, "is not a valid header name"))?;
            others.append(name, forwardable(name, value)?);
        }
    }
    Ok(others)
}

#[cfg(test)]
mod tests;
