//! What the function needs to know, from the environment.

use anyhow::{Result, ensure};
use sigpost_runtime::Reading;
use sigpost_runtime::settings::http_url;
use url::Url;

/// Where e-mails and notifications lead.
#[derive(Clone, Debug)]
pub struct Config {
    /// `APP_URL`: the product's address, which links in e-mails begin with. Required.
    pub app_url: Url,
}

impl Config {
    /// Reads everything. What is missing or malformed is noted.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        reading.required_as("APP_URL", app_url).map(|app_url| Self { app_url })
    }

    /// The configuration of `sigpost dev`, where everything is at one URL.
    pub fn read_for_dev(reading: &mut Reading, base_url: &str) -> Option<Self> {
        match reading.text("APP_URL") {
            Some(_) => Self::read(reading),
            None => app_url(base_url).ok().map(|app_url| Self { app_url }),
        }
    }

    /// A page of the product.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.app_url.as_str().trim_end_matches('/'))
    }
}

fn app_url(text: &str) -> Result<Url> {
    let url = http_url("APP_URL", text)?;
    ensure!(url.query().is_none() && url.fragment().is_none(), "APP_URL={text:?} has a query or a fragment");
    Ok(url)
}
