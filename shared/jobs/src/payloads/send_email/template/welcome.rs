//! `welcome`: to a new user or team member.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

pub(super) const TEMPLATE: Template = Template {
    name: "welcome",
    about: "to a new user or team member",
    optional: &["recipientName", "teamName", "supportEmail"],
    sample: || {
        json!({
            "dashboardUrl": "https://acme.example/app",
            "recipientName": "Ada",
            "teamName": "Research",
            "supportEmail": "help@acme.example",
        })
    },
    read: |fields| Ok(EmailData::Welcome(Welcome::read(fields)?)),
};

/// Data of the template `welcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Link to the dashboard.
    pub dashboard_url: Url,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Team of a new member.
    pub team_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
}

impl Welcome {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            dashboard_url: fields.url("dashboardUrl")?,
            recipient_name: fields.text("recipientName")?,
            team_name: fields.text("teamName")?,
            support_email: fields.address("supportEmail")?,
        })
    }
}
