//! `emailChange`: confirmation link to the new address of an account.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

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
    render: |fields, brand| Ok(EmailChange::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct EmailChange {
    confirmation_url: Url,
    new_email: String,
    old_email: Option<String>,
    recipient_name: Option<String>,
    support_email: Option<String>,
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

    fn render(&self, brand: &Brand) -> Email {
        let preview = "Approve the change to finish updating your sign-in email.";
        let old_email = self.old_email.as_deref().unwrap_or("Not provided");
        let content = Content {
            heading: "Confirm your email update",
            preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[
                preview,
                "If you did not request this change, ignore this email. Your address stays unchanged.",
            ],
            details: &[("Current email", old_email), ("New email", &self.new_email)],
            call_to_action: Some(("Confirm email change", &self.confirmation_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        let subject = "Confirm your email change".into();
        Email { template: TEMPLATE.name, tag: "email-change-confirmation", subject, html, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_addresses_are_shown_with_the_link() {
        let data = json!({ "confirmationUrl": "https://a.example/c?t=1&u=2", "newEmail": "o'neill@b.example" });
        let read = EmailChange::read(&Fields(data.as_object().expect("an object"))).expect("valid data");
        let email = read.render(&Brand::named("Acme"));
        assert_eq!((email.template, email.tag), ("emailChange", "email-change-confirmation"));
        assert_eq!(email.subject, "Confirm your email change");
        assert!(email.html.contains(">Confirm your email update</h1>"));
        assert!(email.html.contains("<li>New email: o&#39;neill@b.example</li>"));
        assert!(email.text.contains("- Current email: Not provided\n- New email: o'neill@b.example\n"));
        assert!(email.text.contains("Confirm email change: https://a.example/c?t=1&u=2"));
    }
}
