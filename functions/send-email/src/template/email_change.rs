//! `emailChange`: confirmation link to the new address of an account.

use sigpost_jobs::payloads::send_email::EmailChange;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &EmailChange, brand: &Brand) -> Email {
    let preview = "Approve the change to finish updating your sign-in email.";
    let old_email = data.old_email.as_deref().unwrap_or("Not provided");
    let content = Content {
        heading: "Confirm your email update",
        preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[preview, "If you did not request this change, ignore this email. Your address stays unchanged."],
        details: &[("Current email", old_email), ("New email", &data.new_email)],
        call_to_action: Some(("Confirm email change", &data.confirmation_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    let subject = "Confirm your email change".into();
    Email { template: "emailChange", tag: "email-change-confirmation", subject, html, text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rendered;

    #[test]
    fn both_addresses_are_shown_with_the_link() {
        let data = json!({ "confirmationUrl": "https://a.example/c?t=1&u=2", "newEmail": "o'neill@b.example" });
        let email = rendered("emailChange", &data).expect("valid data");
        assert_eq!((email.template, email.tag), ("emailChange", "email-change-confirmation"));
        assert_eq!(email.subject, "Confirm your email change");
        assert!(email.html.contains(">Confirm your email update</h1>"));
        assert!(email.html.contains("<li>New email: o&#39;neill@b.example</li>"));
        assert!(email.text.contains("- Current email: Not provided\n- New email: o'neill@b.example\n"));
        assert!(email.text.contains("Confirm email change: https://a.example/c?t=1&u=2"));
    }
}
