//! Requests and responses of URL groups, `/v2/topics`.

use std::collections::BTreeMap;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Destination, Invalid, Params, json};

/// Maximum of endpoints in one request; a group may have more.
pub const MAX_ENDPOINTS: usize = 1000;

/// The maximum length of an endpoint's name in bytes.
const MAX_NAME_BYTES: usize = 256;

/// A URL group (QStash OpenAPI, `URLGroup`). Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UrlGroup {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// Endpoints in the order of their addition.
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint of a URL group. It has no other fields: the JavaScript tests compare it as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// Its name within the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The destination, verbatim.
    pub url: Destination,
}

/// Body of `POST` and `DELETE /v2/topics/{name}/endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "Request")]
pub struct EditEndpoints {
    endpoints: Vec<EndpointRequest>,
}

/// An endpoint to remove.
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
struct EndpointRequest {
    /// Its name within the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The destination. Required to add an endpoint; an endpoint with a name can be removed by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl EditEndpoints {
    /// Creates a request to add endpoints.
    pub fn add(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let request = |Endpoint { name, url }: Endpoint| EndpointRequest { name, url: Some(url.to_stored()) };
        Self { endpoints: endpoints.into_iter().map(request).collect() }
    }

    /// Creates a request to remove endpoints.
    pub fn remove(endpoints: impl IntoIterator<Item = EndpointRef>) -> Self {
        let request = |endpoint| match endpoint {
            EndpointRef::Name(name) => EndpointRequest { name: Some(name), url: None },
            EndpointRef::Url(url) => EndpointRequest { name: None, url: Some(url) },
        };
        Self { endpoints: endpoints.into_iter().map(request).collect() }
    }

    /// Parses the body; `null` and the empty text count as absent, unknown fields are ignored.
    ///
    /// # Errors
    ///
    /// The body has another form, no endpoint or more than [`MAX_ENDPOINTS`]; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let Request { mut endpoints } = json::parse("a JSON object", body)?;
        if endpoints.is_empty() || endpoints.len() > MAX_ENDPOINTS {
            let reason = format!("must be 1 to {MAX_ENDPOINTS} endpoints, got {}", endpoints.len());
            return Err(Invalid::new("endpoints", reason).in_body());
        }
        for endpoint in &mut endpoints {
            endpoint.name = endpoint.name.take().filter(|name| !name.is_empty());
            endpoint.url = endpoint.url.take().filter(|url| !url.is_empty());
        }
        Ok(Self { endpoints })
    }

    /// Returns the endpoints to add, or to rename if their URL exists.
    ///
    /// # Errors
    ///
    /// A URL is missing or invalid (see [`Destination`]), or a name is too long or has control characters; the error
    /// names the field.
    pub fn to_add(self) -> Result<Vec<Endpoint>, Invalid> {
        let add = |(index, endpoint): (usize, EndpointRequest)| {
            let field = |name| format!("endpoints[{index}].{name}");
            let url = endpoint.url.ok_or_else(|| Invalid::new(field("url"), "is missing").in_body())?;
            let url = Destination::parse(&url).map_err(|error| Invalid::new(field("url"), error.reason).in_body())?;
            if let Some(name) = &endpoint.name
                && (name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control))
            {
                let reason = format!("must be at most {MAX_NAME_BYTES} bytes without control characters");
                return Err(Invalid::got(field("name"), reason, name).in_body());
            }
            Ok(Endpoint { name: endpoint.name, url })
        };
        self.endpoints.into_iter().enumerate().map(add).collect()
    }

    /// Returns the endpoints to remove. If a name is given, the URL is ignored.
    ///
    /// # Errors
    ///
    /// An endpoint has neither name nor URL; the error names the field.
    pub fn to_remove(self) -> Result<Vec<EndpointRef>, Invalid> {
        let remove = |(index, endpoint): (usize, EndpointRequest)| match (endpoint.name, endpoint.url) {
            (Some(name), _) => Ok(EndpointRef::Name(name)),
            (None, Some(url)) => Ok(EndpointRef::Url(url)),
            (None, None) => Err(Invalid::new(format!("endpoints[{index}]"), "requires a url or a name").in_body()),
        };
        self.endpoints.into_iter().enumerate().map(remove).collect()
    }
}

/// Body of `PATCH /v2/topics/{name}`: default parameters of every publish to the group (QStash docs, "Use as webhook
/// receiver").
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
    /// Default `Upstash-*` headers and `Content-Type` of every publish to the group.
    headers: BTreeMap<String, OneOrMore>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl UrlGroupDefaults {
    /// Parses the body: `{"headers": {"Upstash-Retries": "3"}}`; a value may be a list.
    ///
    /// # Errors
    ///
    /// The body has another form, a name is neither an `Upstash-*` header nor `Content-Type` (it would have no
    /// effect), or a value is not a valid header value; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        let request: DefaultsRequest = json::parse("a JSON object", body)?;
        let headers = request.headers.into_iter().map(|(name, values)| match values {
            OneOrMore::One(value) => (name, vec![value]),
            OneOrMore::More(values) => (name, values),
        });
        let defaults = Self { headers: headers.collect() };
        for name in defaults.headers.keys() {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(Invalid::new(format!("headers.{name}"), "is not a valid header name").in_body());
            }
            if crate::names::strip_upstash(name).is_none() && !name.eq_ignore_ascii_case("content-type") {
                let field = format!("headers.{name}");
                return Err(Invalid::new(field, "must be Content-Type or begin with Upstash-").in_body());
            }
        }
        Params::from_pairs(defaults.pairs())?;
        Ok(defaults)
    }

    /// Returns the headers one by one, for [`Params::from_pairs`].
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.headers.iter().flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.as_str())))
    }
}

#[cfg(test)]
mod tests;
