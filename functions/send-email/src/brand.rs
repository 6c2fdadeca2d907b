//! In whose name e-mails are sent.

use anyhow::{Result, ensure};
use sigpost_runtime::env;

use crate::address;

/// The same on every e-mail of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The product, as its users know it. Default `sigpost`.
    pub name: String,
    /// The last line of an e-mail. Default `The <name> Team`.
    pub signature: String,
    /// Where users may ask, unless the job says otherwise. Default: the line is left out.
    pub support_email: Option<String>,
}

impl Brand {
    /// A brand with the signature that goes with its name.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { signature: format!("The {name} Team"), name, support_email: None }
    }

    /// The brand of a deployment: `APP_NAME`, `APP_SIGNATURE`, and for support `APP_SUPPORT_EMAIL`, else
    /// `RESEND_REPLY_TO`.
    ///
    /// # Errors
    ///
    /// The first variable that is malformed, by its name.
    pub fn from_env() -> Result<Self> {
        let mut brand = env::var("APP_NAME")?.map_or_else(Self::default, Self::named);
        if let Some(signature) = env::var("APP_SIGNATURE")? {
            brand.signature = signature;
        }
        // The name stands in subjects, and a line break in a subject starts the next header.
        ensure!(!brand.name.chars().any(char::is_control), "APP_NAME contains a control character");
        brand.support_email = address::variable("APP_SUPPORT_EMAIL")?.or(address::variable("RESEND_REPLY_TO")?);
        Ok(brand)
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self::named("sigpost")
    }
}
