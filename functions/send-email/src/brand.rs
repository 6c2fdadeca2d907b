//! In whose name e-mails are sent.

use sigpost_runtime::Reading;
use sigpost_runtime::settings::line;

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
    /// `RESEND_REPLY_TO`. What is malformed is noted.
    pub fn read(reading: &mut Reading) -> Self {
        // The name stands in subjects, and a line break in a subject starts the next header.
        let name = reading.checked("APP_NAME", |text| line("APP_NAME", text));
        let mut brand = name.map_or_else(Self::default, Self::named);
        if let Some(signature) = reading.checked("APP_SIGNATURE", |text| line("APP_SIGNATURE", text)) {
            brand.signature = signature;
        }
        let support = address::setting(reading, "APP_SUPPORT_EMAIL");
        brand.support_email = support.or(address::setting(reading, "RESEND_REPLY_TO"));
        brand
    }
}

impl Default for Brand {
    fn default() -> Self {
        Self::named("sigpost")
    }
}
