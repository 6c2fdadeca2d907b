//! `emailChange`: confirmation link to the new address of an account.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

pub(super) const TEMPLATE: Template = Template {
    name: "emailChange",
    about: "to the new address of an account: confirmation link",
    optional: &["recipientName", "oldEmail", "supportEmail"],
    sample: || {
        json!({
            "confirmationUrl": "https://acme.example/confirm?token=abc",
            "newEmail": "ada@new.example",
            "oldEmail": "ada@old.example",
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    read: |fields| Ok(EmailData::EmailChange(EmailChange::read(fields)?)),
};

/// Data of the template `emailChange`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChange {
    /// Link that confirms the change.
    pub confirmation_url: Url,
    /// New address.
    pub new_email: String,
    /// Previous address.
    pub old_email: Option<String>,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
}

impl EmailChange {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            confirmation_url: fields.url("confirmationUrl")?,
            new_email: fields.required("newEmail", Fields::address)?,
            old_email: fields.address("oldEmail")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }
}
