//! `/v2/topics`: URL groups.

use reqwest::Method;
use serde::Serialize;
use sigpost_qstash::{EditEndpoints, Endpoint, EndpointRef, UrlGroup, UrlGroupDefaults};

use crate::path::with_segment;
use crate::{Call, Client, Done};

const PATH: &str = "/v2/topics";

/// Body of a request that sets defaults.
#[derive(Serialize)]
struct Defaults<'a> {
    headers: &'a UrlGroupDefaults,
}

impl Client {
    /// Lists URL groups by name.
    pub fn list_url_groups(&self) -> Call<Vec<UrlGroup>> {
        self.get(PATH)
    }

    /// Returns a URL group.
    pub fn get_url_group(&self, name: &str) -> Call<UrlGroup> {
        self.call(Method::GET, with_segment(PATH, name, ""))
    }

    /// Adds endpoints, and creates the group if it does not exist. An endpoint whose URL exists is renamed.
    pub fn add_endpoints(&self, name: &str, endpoints: impl IntoIterator<Item = Endpoint>) -> Call<Done> {
        self.call(Method::POST, with_segment(PATH, name, "/endpoints")).json(&EditEndpoints::add(endpoints))
    }

    /// Removes endpoints. A group without endpoints is deleted.
    pub fn remove_endpoints(&self, name: &str, endpoints: impl IntoIterator<Item = EndpointRef>) -> Call<Done> {
        self.call(Method::DELETE, with_segment(PATH, name, "/endpoints")).json(&EditEndpoints::remove(endpoints))
    }

    /// Replaces the default headers of publishes to the group.
    pub fn set_url_group_defaults(&self, name: &str, defaults: &UrlGroupDefaults) -> Call<Done> {
        self.call(Method::PATCH, with_segment(PATH, name, "")).json(&Defaults { headers: defaults })
    }

    /// Deletes a URL group. Its messages are still delivered.
    pub fn delete_url_group(&self, name: &str) -> Call<Done> {
        self.call(Method::DELETE, with_segment(PATH, name, ""))
    }
}
