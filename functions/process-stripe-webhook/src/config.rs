//! What the function needs to know, from the environment.

use anyhow::{Context, Result, ensure};
use sigpost_runtime::env;
use url::Url;

/// Where e-mails and notifications lead.
#[derive(Clone, Debug)]
pub struct Config {
    /// `APP_URL`: the product's address, which links in e-mails begin with. Required.
    pub app_url: Url,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        Ok(Self { app_url: app_url(&env::required("APP_URL")?)? })
    }

    /// The configuration of `sigpost dev`, where everything is at one URL.
    ///
    /// # Errors
    ///
    /// `APP_URL` is given and malformed.
    pub fn for_dev(base_url: &str) -> Result<Self> {
        let url = env::var("APP_URL")?.unwrap_or_else(|| base_url.to_owned());
        Ok(Self { app_url: app_url(&url)? })
    }

    /// A page of the product.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.app_url.as_str().trim_end_matches('/'))
    }
}

fn app_url(text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("APP_URL={text:?} is not a URL"))?;
    ensure!(matches!(url.scheme(), "http" | "https"), "APP_URL={text:?} is not an http or https URL");
    ensure!(url.query().is_none() && url.fragment().is_none(), "APP_URL={text:?} has a query or a fragment");
    Ok(url)
}
