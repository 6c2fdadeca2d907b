//! What the function needs to know, from the environment.

use std::fmt;
use std::num::NonZeroU32;

use sigpost_runtime::Reading;
use sigpost_runtime::settings::http_url;
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
    /// See [`Brand::read`].
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
    /// The configuration of a deployment: `RESEND_API_KEY` and `RESEND_FROM_EMAIL` are required. What is
    /// missing or malformed is noted.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let api_key = reading.required("RESEND_API_KEY");
        let base_url = base_url(reading);
        let transport = api_key.map(|api_key| Transport::Resend { api_key, base_url });
        let from = reading.required_as("RESEND_FROM_EMAIL", |from| {
            address::check("RESEND_FROM_EMAIL", from)?;
            Ok(from.to_owned())
        });
        Self::in_the_name_of(reading, from).zip(transport).map(|(config, transport)| Self { transport, ..config })
    }

    /// The configuration of `sigpost dev`: without `RESEND_API_KEY`, e-mails go to the log.
    pub fn read_for_dev(reading: &mut Reading) -> Option<Self> {
        match reading.text("RESEND_API_KEY") {
            Some(_) => {
                reading.required_with("RESEND_FROM_EMAIL", "RESEND_API_KEY");
                Self::read(reading)
            }
            None => {
                base_url(reading);
                let from = address::setting(reading, "RESEND_FROM_EMAIL");
                Self::in_the_name_of(reading, Some(from.unwrap_or_else(|| "sigpost <dev@sigpost.example>".into())))
            }
        }
    }

    /// With e-mails that go to the log.
    fn in_the_name_of(reading: &mut Reading, from: Option<String>) -> Option<Self> {
        // Resend's own clients read it. Nothing here does: Resend's responses say when it is too much.
        reading.parsed("RESEND_RATE_LIMIT", NonZeroU32::MIN);
        let reply_to = address::setting(reading, "RESEND_REPLY_TO");
        let reply_to = reply_to.or(address::setting(reading, "APP_SUPPORT_EMAIL"));
        let brand = Brand::read(reading);
        Some(Self { transport: Transport::Log, from: from?, reply_to, brand })
    }
}

fn base_url(reading: &mut Reading) -> Url {
    let given = reading.checked("RESEND_BASE_URL", |text| http_url("RESEND_BASE_URL", text));
    given.or_else(|| Url::parse(RESEND_URL).ok()).unwrap_or_else(|| unreachable!("a constant"))
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
