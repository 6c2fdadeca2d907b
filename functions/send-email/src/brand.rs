//! Brand of the e-mails.

use sigpost_jobs::payloads::address;
use sigpost_runtime::Reading;
use sigpost_runtime::settings::{APP_NAME, APP_SIGNATURE, APP_SUPPORT_EMAIL, RESEND_REPLY_TO, Setting, line};

/// Name, signature and support address in all e-mails of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Name of the product. Default `sigpost`.
    pub name: String,
    /// Last line of an e-mail. Default `The <name> Team`.
    pub signature: String,
    /// Support address. A job can override it. Default: no support line.
    pub support_email: Option<String>,
}

impl Brand {
    /// Creates a brand with the default signature.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { signature: format!("The {name} Team"), name, support_email: None }
    }

    /// Reads `APP_NAME`, `APP_SIGNATURE`, and the support address from `APP_SUPPORT_EMAIL`, else `RESEND_REPLY_TO`.
    /// `reading` collects errors.
    pub fn read(reading: &mut Reading) -> Self {
        // The name is part of subjects, where a line break would start the next header.
        let name = reading.checked(APP_NAME, |text| line(APP_NAME.name, text));
        let mut brand = name.map_or_else(Self::default, Self::named);
        if let Some(signature) = reading.checked(APP_SIGNATURE, |text| line(APP_SIGNATURE.name, text)) {
            brand.signature = signature;
        }
        let support = read_address(reading, APP_SUPPORT_EMAIL);
        brand.support_email = support.or(read_address(reading, RESEND_REPLY_TO));
        brand
    }
}

/// Reads the address in this setting, if any. `reading` collects errors.
pub(crate) fn read_address(reading: &mut Reading, setting: Setting) -> Option<String> {
    reading.checked(setting, |text| {
        address::check(setting.name, text)?;
        Ok(text.to_owned())
    })
}

impl Default for Brand {
    fn default() -> Self {
        Self::named(APP_NAME.default_as::<String>())
    }
}
