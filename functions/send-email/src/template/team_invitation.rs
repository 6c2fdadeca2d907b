//! `teamInvitation`: to a person invited to a team.

use sigpost_jobs::payloads::send_email::TeamInvitation;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &TeamInvitation, brand: &Brand) -> Email {
    let TeamInvitation { inviter_name, team_name, .. } = data;
    let subject = format!("{inviter_name} invited you to {team_name}");
    let preview = format!("Join {team_name} on {} to start collaborating.", brand.name);
    let mut details = vec![("Your role", data.role)];
    details.extend(data.expires_at.as_deref().map(|time| ("Expires", time)));
    let content = Content {
        heading: &subject,
        preview: &preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[&preview, "If you do not know the sender, ignore this email."],
        details: &details,
        call_to_action: Some(("Accept invitation", &data.invite_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email { template: "teamInvitation", tag: "team-invitation", html, text, subject }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::rendered;
    use crate::Email;

    fn read(data: &Value) -> Result<Email, String> {
        rendered("teamInvitation", data)
    }

    #[test]
    fn inviter_team_and_role_are_named() {
        let data = json!({
            "inviterName": "Grace", "teamName": "R&D", "inviteUrl": "https://a.example/i", "role": "admin",
            "expiresAt": "2026-12-03T10:00:00Z",
        });
        let email = read(&data).expect("valid data");
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
