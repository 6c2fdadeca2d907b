//! URL groups as `/v2/topics` reads and shows them.

use std::collections::BTreeMap;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Destination, Invalid, Params, json};

/// Most endpoints in one request; a group may have more.
pub const MAX_ENDPOINTS: usize = 1000;

/// The longest name of an endpoint in bytes.
const MAX_NAME_BYTES: usize = 256;

/// A URL group (QStash OpenAPI, `URLGroup`). Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UrlGroup {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// In the order they were added.
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint of a URL group. It has no other fields: the JavaScript tests compare it whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Its name within the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where messages go, verbatim.
    pub url: Destination,
}

/// Body of `POST` and `DELETE /v2/topics/{name}/endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Request")]
pub struct EditEndpoints(Vec<EndpointRequest>);

/// One endpoint to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointRef {
    /// The endpoint of this name.
    Name(String),
    /// The endpoint of this URL, verbatim.
    Url(String),
}

#[derive(Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
#[schemars(rename = "EditEndpoints")]
struct Request {
    /// 1 to 1000 endpoints.
    endpoints: Vec<EndpointRequest>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
struct EndpointRequest {
    /// Its name within the group.
    name: Option<String>,
    /// Where messages go. Needed to add an endpoint; one that has a name can be removed by that.
    url: Option<String>,
}

impl EditEndpoints {
    /// Reads the body; `null` and the empty text are as good as absent, unknown fields are
    /// ignored.
    ///
    /// # Errors
    ///
    /// Not such JSON, no endpoint or more than [`MAX_ENDPOINTS`]; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let Request { mut endpoints } = json::parse(body)?;
        if endpoints.is_empty() || endpoints.len() > MAX_ENDPOINTS {
            return Err(Invalid::new("endpoints", format!("must be 1 to {MAX_ENDPOINTS} endpoints")));
        }
        for endpoint in &mut endpoints {
            endpoint.name = endpoint.name.take().filter(|name| !name.is_empty());
            endpoint.url = endpoint.url.take().filter(|url| !url.is_empty());
        }
        Ok(Self(endpoints))
    }

    /// The endpoints to add, or to rename where their URL is known.
    ///
    /// # Errors
    ///
    /// A URL that is missing or not a [`Destination`], or a name that is too long or has control
    /// characters; the error names the field.
    pub fn to_add(self) -> Result<Vec<Endpoint>, Invalid> {
        let add = |(index, endpoint): (usize, EndpointRequest)| {
            let field = |name| format!("endpoints[{index}].{name}");
            let url = endpoint.url.ok_or_else(|| Invalid::new(field("url"), "is missing"))?;
            let url = Destination::parse(&url).map_err(|error| Invalid::new(field("url"), error.reason))?;
            if let Some(name) = &endpoint.name
                && (name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control))
            {
                let reason = format!("must be at most {MAX_NAME_BYTES} bytes without control characters");
                return Err(Invalid::new(field("name"), reason));
            }
            Ok(Endpoint { name: endpoint.name, url })
        };
        self.0.into_iter().enumerate().map(add).collect()
    }

    /// The endpoints to remove. Where there is a name, the URL does not matter.
    ///
    /// # Errors
    ///
    /// Neither name nor URL; the error names the field.
    pub fn to_remove(self) -> Result<Vec<EndpointRef>, Invalid> {
        let remove = |(index, endpoint): (usize, EndpointRequest)| match (endpoint.name, endpoint.url) {
            (Some(name), _) => Ok(EndpointRef::Name(name)),
            (None, Some(url)) => Ok(EndpointRef::Url(url)),
            (None, None) => Err(Invalid::new(format!("endpoints[{index}]"), "needs a url or a name")),
        };
        self.0.into_iter().enumerate().map(remove).collect()
    }
}

/// Body of `PATCH /v2/topics/{name}`: parameters that every publish to the group begins with
/// (QStash docs, "Use as webhook receiver").
///
/// Serde is for storage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(!transparent, with = "DefaultsRequest")]
pub struct UrlGroupDefaults {
    /// Header names as given, and their values.
    pub headers: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
#[schemars(rename = "UrlGroupDefaults")]
struct DefaultsRequest {
    /// `Upstash-*` headers and `Content-Type` that every publish to the group begins with.
    headers: BTreeMap<String, OneOrMore>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl UrlGroupDefaults {
    /// Reads the body: `{"headers": {"Upstash-Retries": "3"}}`, a value may be a list.
    ///
    /// # Errors
    ///
    /// Not such JSON, a name that is no `Upstash-*` header and not `Content-Type` (it would have
    /// no effect), or a value that no header can have; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let request: DefaultsRequest = json::parse(body)?;
        let headers = request.headers.into_iter().map(|(name, values)| match values {
            OneOrMore::One(value) => (name, vec![value]),
            OneOrMore::More(values) => (name, values),
        });
        let defaults = Self { headers: headers.collect() };
        for name in defaults.headers.keys() {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(Invalid::new(format!("headers.{name}"), "is not the name of a header"));
            }
            if crate::params::strip_upstash(name).is_none() && !name.eq_ignore_ascii_case("content-type") {
                let field = format!("headers.{name}");
                return Err(Invalid::new(field, "must be Content-Type or begin with Upstash-"));
            }
        }
        Params::from_pairs(defaults.pairs())?;
        Ok(defaults)
    }

    /// One by one, for [`Params::from_pairs`].
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.headers.iter().flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.as_str())))
    }
}

#[cfg(test)]
mod tests;
