//! Configuration of the function from the environment.

use std::fmt;
use std::num::NonZeroU32;

use sigpost_jobs::payloads::address;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{
    APP_SUPPORT_EMAIL, RESEND_API_KEY, RESEND_BASE_URL, RESEND_FROM_EMAIL, RESEND_RATE_LIMIT, RESEND_REPLY_TO, http_url,
};
use url::Url;

use crate::brand::{Brand, read_address};

/// Configuration of the function.
#[derive(Clone, Debug)]
pub struct Config {
    /// Transport of the e-mails.
    pub transport: Transport,
    /// `RESEND_FROM_EMAIL`: the sender, `Acme <hello@acme.example>`. Required to send; its domain
    /// must be verified with Resend.
    pub from: String,
    /// `RESEND_REPLY_TO`, else `APP_SUPPORT_EMAIL`: address for replies. Default: the sender.
    pub reply_to: Option<String>,
    /// See [`Brand::read`].
    pub brand: Brand,
}

/// Transport of e-mails.
#[derive(Clone)]
pub enum Transport {
    /// Sends through Resend.
    Resend {
        /// `RESEND_API_KEY`. Never logged.
        api_key: String,
        /// `RESEND_BASE_URL`. Default `https://api.resend.com`.
        base_url: Url,
    },
    /// Renders and logs e-mails without sending them. For development.
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
    /// Reads the configuration of a deployment. `RESEND_API_KEY` and `RESEND_FROM_EMAIL` are required. `reading` collects
    /// errors.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let api_key = reading.required(RESEND_API_KEY);
        let base_url = base_url(reading);
        let transport = api_key.map(|api_key| Transport::Resend { api_key, base_url });
        let from = reading.required_as(RESEND_FROM_EMAIL, |from| {
            address::check(RESEND_FROM_EMAIL.name, from)?;
            Ok(from.to_owned())
        });
        Self::in_the_name_of(reading, from).zip(transport).map(|(config, transport)| Self { transport, ..config })
    }

    /// Reads the configuration of `sigpost dev`. Without `RESEND_API_KEY`, e-mails are only logged.
    pub fn read_for_dev(reading: &mut Reading) -> Option<Self> {
        match reading.text(RESEND_API_KEY) {
            Some(_) => {
                reading.required_with(RESEND_FROM_EMAIL, RESEND_API_KEY);
                Self::read(reading)
            }
            None => {
                base_url(reading);
                let from = read_address(reading, RESEND_FROM_EMAIL);
                Self::in_the_name_of(reading, Some(from.unwrap_or_else(|| "sigpost <dev@sigpost.example>".into())))
            }
        }
    }

    /// Reads sender, reply address and brand. The transport is the log.
    fn in_the_name_of(reading: &mut Reading, from: Option<String>) -> Option<Self> {
        // Validated because Resend's own clients read it. It has no effect here: Resend's responses report rate limits.
        reading.parsed_if_set::<NonZeroU32>(RESEND_RATE_LIMIT);
        let reply_to = read_address(reading, RESEND_REPLY_TO);
        let reply_to = reply_to.or(read_address(reading, APP_SUPPORT_EMAIL));
        let brand = Brand::read(reading);
        Some(Self { transport: Transport::Log, from: from?, reply_to, brand })
    }
}

fn base_url(reading: &mut Reading) -> Url {
    let given = reading.checked(RESEND_BASE_URL, |text| http_url(RESEND_BASE_URL.name, text));
    given.unwrap_or_else(|| RESEND_BASE_URL.default_as())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_key() {
        let transport = Transport::Resend { api_key: "re_secret".into(), base_url: RESEND_BASE_URL.default_as() };
        let config = Config { transport, from: "a@b.example".into(), reply_to: None, brand: Brand::default() };
        assert!(!format!("{config:?}").contains("re_secret"));
    }
}
