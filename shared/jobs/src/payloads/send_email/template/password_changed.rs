//! `passwordChanged`: confirmation to the owner of an account.

use serde_json::json;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

pub(super) const TEMPLATE: Template = Template {
    name: "passwordChanged",
    about: "to the owner of an account: the password has changed",
    optional: &["recipientName", "ipAddress", "supportEmail"],
    sample: || {
        json!({
            "changedAt": "2026-11-26T10:00:00Z",
            "ipAddress": "192.0.2.7",
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    read: |fields| Ok(EmailData::PasswordChanged(PasswordChanged::read(fields)?)),
};

/// Data of the template `passwordChanged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChanged {
    /// Time of the change, for display.
    pub changed_at: String,
    /// IP address of the change.
    pub ip_address: Option<String>,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
}

impl PasswordChanged {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            changed_at: fields.required("changedAt", Fields::moment)?,
            ip_address: fields.text("ipAddress")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }
}
