//! Configuration of the function from the environment.

use anyhow::{Result, ensure};
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{APP_URL, http_url};
use url::Url;

/// Configuration of the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// `APP_URL`: base URL of the product for links in e-mails. Required.
    pub app_url: Url,
}

impl Config {
    /// Reads the configuration. `reading` collects errors.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        reading.required_as(APP_URL, app_url).map(|app_url| Self { app_url })
    }

    /// Reads the configuration of `sigpost dev`. `APP_URL` defaults to `base_url`.
    pub fn read_for_dev(reading: &mut Reading, base_url: &str) -> Option<Self> {
        match reading.text(APP_URL) {
            Some(_) => Self::read(reading),
            None => app_url(base_url).ok().map(|app_url| Self { app_url }),
        }
    }

    /// Returns the URL of a page of the product.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.app_url.as_str().trim_end_matches('/'))
    }
}

fn app_url(text: &str) -> Result<Url> {
    let url = http_url(APP_URL.name, text)?;
    ensure!(url.query().is_none() && url.fragment().is_none(), "APP_URL={text:?}: must not have a query or a fragment");
    Ok(url)
}
