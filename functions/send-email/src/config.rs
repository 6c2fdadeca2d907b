//! What the function needs to know, from the environment.

use std::fmt;

use anyhow::{Context, Result, ensure};
use sigpost_runtime::env;
use url::Url;

use crate::{Brand, address};

/// Resend's API, unless `RESEND_BASE_URL` says otherwise.
pub const RESEND_URL: &str = "https://api.resend.com";

/// How e-mails are sent, and in whose name.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where they go.
    pub transport: Transport,
    /// `RESEND_FROM_EMAIL`: the sender, `Acme <hello@acme.example>`. Required to send; its domain
    /// must be verified with Resend.
    pub from: String,
    /// `RESEND_REPLY_TO`, else `APP_SUPPORT_EMAIL`: where answers go. Default: to the sender.
    pub reply_to: Option<String>,
    /// See [`Brand::from_env`].
    pub brand: Brand,
}

/// Where e-mails go.
#[derive(Clone)]
pub enum Transport {
    /// To Resend.
    Resend {
        /// `RESEND_API_KEY`. Never logged.
        api_key: String,
        /// `RESEND_BASE_URL`. Default `https://api.resend.com`.
        base_url: Url,
    },
    /// Nowhere: they are rendered, and the log says so. For development.
    Log,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resend { base_url, .. } => write!(f, "Resend({base_url})"),
            Self::Log => f.write_str("Log"),
        }
    }
}

impl Config {
    /// The configuration of a deployment: `RESEND_API_KEY` and `RESEND_FROM_EMAIL` are required.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or malformed, by its name.
    pub fn from_env() -> Result<Self> {
        let api_key = env::required("RESEND_API_KEY")?;
        Self::read(Transport::Resend { api_key, base_url: resend_url()? }, env::required("RESEND_FROM_EMAIL")?)
    }

    /// The configuration of `sigpost dev`: without `RESEND_API_KEY`, e-mails go to the log.
    ///
    /// # Errors
    ///
    /// The first variable that is malformed, by its name.
    pub fn for_dev() -> Result<Self> {
        match env::var("RESEND_API_KEY")? {
            Some(_) => Self::from_env(),
            None => Self::read(Transport::Log, "sigpost <dev@sigpost.example>".into()),
        }
    }

    fn read(transport: Transport, from: String) -> Result<Self> {
        address::check("RESEND_FROM_EMAIL", &from)?;
        let reply_to = address::variable("RESEND_REPLY_TO")?.or(address::variable("APP_SUPPORT_EMAIL")?);
        Ok(Self { transport, from, reply_to, brand: Brand::from_env()? })
    }
}

fn resend_url() -> Result<Url> {
    let text = env::var("RESEND_BASE_URL")?.unwrap_or_else(|| RESEND_URL.into());
    let url = Url::parse(&text).with_context(|| format!("RESEND_BASE_URL={text:?} is not a URL"))?;
    ensure!(matches!(url.scheme(), "http" | "https"), "RESEND_BASE_URL={text:?} is not an http or https URL");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_key() {
        let transport =
            Transport::Resend { api_key: "re_secret".into(), base_url: Url::parse(RESEND_URL).expect("a URL") };
        let config = Config { transport, from: "a@b.example".into(), reply_to: None, brand: Brand::default() };
        assert!(!format!("{config:?}").contains("re_secret"));
    }
}
