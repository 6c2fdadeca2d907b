//! `passwordReset`: link to reset a password.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

pub(super) const TEMPLATE: Template = Template {
    name: "passwordReset",
    about: "to a user who requested a password reset: link",
    optional: &["recipientName", "supportEmail"],
    sample: || {
        json!({
            "resetUrl": "https://acme.example/reset?token=abc",
            "expiresInMinutes": 60,
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    read: |fields| Ok(EmailData::PasswordReset(PasswordReset::read(fields)?)),
};

/// Data of the template `passwordReset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordReset {
    /// Link to reset the password.
    pub reset_url: Url,
    /// Lifetime of the link.
    pub expires_in_minutes: u32,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
}

impl PasswordReset {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            reset_url: fields.url("resetUrl")?,
            expires_in_minutes: fields.count("expiresInMinutes")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }
}
