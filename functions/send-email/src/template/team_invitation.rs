//! `teamInvitation`: to a person invited to a team.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

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
    render: |fields, brand| Ok(TeamInvitation::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct TeamInvitation {
    inviter_name: String,
    team_name: String,
    invite_url: Url,
    role: &'static str,
    expires_at: Option<String>,
    recipient_name: Option<String>,
    support_email: Option<String>,
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

    fn render(&self, brand: &Brand) -> Email {
        let Self { inviter_name, team_name, .. } = self;
        let subject = format!("{inviter_name} invited you to {team_name}");
        let preview = format!("Join {team_name} on {} to start collaborating.", brand.name);
        let mut details = vec![("Your role", self.role)];
        details.extend(self.expires_at.as_deref().map(|time| ("Expires", time)));
        let content = Content {
            heading: &subject,
            preview: &preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[&preview, "If you do not know the sender, ignore this email."],
            details: &details,
            call_to_action: Some(("Accept invitation", &self.invite_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email { template: TEMPLATE.name, tag: "team-invitation", html, text, subject }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(data: &Value) -> Result<TeamInvitation, String> {
        TeamInvitation::read(&Fields(data.as_object().expect("an object"))).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn inviter_team_and_role_are_named() {
        let data = json!({
            "inviterName": "Grace", "teamName": "R&D", "inviteUrl": "https://a.example/i", "role": "admin",
            "expiresAt": "2026-12-03T10:00:00Z",
        });
        let email = read(&data).expect("valid data").render(&Brand::named("Acme"));
        assert_eq!((email.template, email.tag), ("teamInvitation", "team-invitation"));
        assert_eq!(email.subject, "Grace invited you to R&D");
        assert!(email.html.contains(">Grace invited you to R&amp;D</h1>"));
        assert!(email.text.contains("Join R&D on Acme to start collaborating."));
        assert!(email.text.contains("- Your role: admin\n- Expires: 3 December 2026, 10:00 UTC\n"));
        assert!(email.text.contains("Accept invitation: https://a.example/i"));
    }

    #[test]
    fn role_is_one_of_three() {
        let data = json!({ "inviterName": "G", "teamName": "R", "inviteUrl": "https://a.example", "role": "king" });
        assert_eq!(read(&data), Err("data.role: must be one of member, owner, admin".into()));
    }
}
