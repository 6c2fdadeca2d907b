//! `passwordChanged`: confirmation to the owner of an account.

use serde_json::json;
use sigpost_jobs::Invalid;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

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
    render: |fields, brand| Ok(PasswordChanged::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct PasswordChanged {
    changed_at: String,
    ip_address: Option<String>,
    recipient_name: Option<String>,
    support_email: Option<String>,
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

    fn render(&self, brand: &Brand) -> Email {
        let preview = "This is a confirmation that your password has changed.";
        let mut details = vec![("Changed at", self.changed_at.as_str())];
        details.extend(self.ip_address.as_deref().map(|address| ("From IP", address)));
        let content = Content {
            heading: &format!("Your {} password was updated", brand.name),
            preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[preview, "If you did not make this change, reset your password now and contact us."],
            details: &details,
            call_to_action: None,
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        let subject = "Your password was updated".into();
        Email { template: TEMPLATE.name, tag: "password-changed", subject, html, text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rendered(data: &Value) -> Email {
        let data = data.as_object().expect("an object");
        PasswordChanged::read(&Fields(data)).expect("valid data").render(&Brand::named("Acme"))
    }

    #[test]
    fn time_and_place_of_the_change_are_told() {
        let email = rendered(&json!({ "changedAt": "2026-11-26T11:05:00+01:00", "ipAddress": "192.0.2.7" }));
        assert_eq!((email.template, email.tag), ("passwordChanged", "password-changed"));
        assert_eq!(email.subject, "Your password was updated");
        assert!(email.html.contains(">Your Acme password was updated</h1>"));
        assert!(email.html.contains("<li>Changed at: 26 November 2026, 10:05 UTC</li>\n<li>From IP: 192.0.2.7</li>"));
        assert!(email.text.contains("- Changed at: 26 November 2026, 10:05 UTC\n- From IP: 192.0.2.7\n"));
    }

    #[test]
    fn unreadable_time_is_shown_as_it_is_and_an_unknown_place_not_at_all() {
        let email = rendered(&json!({ "changedAt": "this <morning>" }));
        assert!(email.text.contains("- Changed at: this <morning>\n\n"), "{}", email.text);
        assert!(email.html.contains("<li>Changed at: this &lt;morning&gt;</li>\n</ul>"), "{}", email.html);
    }
}
