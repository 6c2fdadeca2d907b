//! `teamInvitation`: to a person invited to a team.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

const ROLES: [&str; 3] = ["member", "owner", "admin"];

pub(super) const TEMPLATE: Template = Template {
    name: "teamInvitation",
    about: "to a person invited to a team",
    optional: &["recipientName", "expiresAt", "supportEmail"],
    sample: || {
        json!({
            "inviterName": "Grace",
            "teamName": "Research",
            "inviteUrl": "https://acme.example/invitations/abc",
            "role": "member",
            "expiresAt": "2026-12-03T10:00:00Z",
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    read: |fields| Ok(EmailData::TeamInvitation(TeamInvitation::read(fields)?)),
};

/// Data of the template `teamInvitation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamInvitation {
    /// Name of the inviting person.
    pub inviter_name: String,
    /// Name of the team.
    pub team_name: String,
    /// Link that accepts the invitation.
    pub invite_url: Url,
    /// Role in the team: `member`, `owner` or `admin`.
    pub role: &'static str,
    /// End of the invitation, for display.
    pub expires_at: Option<String>,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
}

impl TeamInvitation {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            inviter_name: fields.required("inviterName", Fields::text)?,
            team_name: fields.required("teamName", Fields::text)?,
            invite_url: fields.url("inviteUrl")?,
            role: fields.one_of("role", &ROLES)?,
            expires_at: fields.moment("expiresAt")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }
}
