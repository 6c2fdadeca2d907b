//! `passwordChanged`: confirmation to the owner of an account.

use sigpost_jobs::payloads::send_email::PasswordChanged;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &PasswordChanged, brand: &Brand) -> Email {
    let preview = "This is a confirmation that your password has changed.";
    let mut details = vec![("Changed at", data.changed_at.as_str())];
    details.extend(data.ip_address.as_deref().map(|address| ("From IP", address)));
    let content = Content {
        heading: &format!("Your {} password was updated", brand.name),
        preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[preview, "If you did not make this change, reset your password now and contact us."],
        details: &details,
        call_to_action: None,
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    let subject = "Your password was updated".into();
    Email { template: "passwordChanged", tag: "password-changed", subject, html, text }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::rendered;
    use crate::Email;

    fn email(data: &Value) -> Email {
        rendered("passwordChanged", data).expect("valid data")
    }

    #[test]
    fn time_and_place_of_the_change_are_told() {
        let email = email(&json!({ "changedAt": "2026-11-26T11:05:00+01:00", "ipAddress": "192.0.2.7" }));
        assert_eq!((email.template, email.tag), ("passwordChanged", "password-changed"));
        assert_eq!(email.subject, "Your password was updated");
        assert!(email.html.contains(">Your Acme password was updated</h1>"));
        assert!(email.html.contains("<li>Changed at: 26 November 2026, 10:05 UTC</li>\n<li>From IP: 192.0.2.7</li>"));
        assert!(email.text.contains("- Changed at: 26 November 2026, 10:05 UTC\n- From IP: 192.0.2.7\n"));
    }

    #[test]
    fn unreadable_time_is_shown_as_it_is_and_an_unknown_place_not_at_all() {
        let email = email(&json!({ "changedAt": "this <morning>" }));
        assert!(email.text.contains("- Changed at: this <morning>\n\n"), "{}", email.text);
        assert!(email.html.contains("<li>Changed at: this &lt;morning&gt;</li>\n</ul>"), "{}", email.html);
    }
}
