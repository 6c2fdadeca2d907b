//! `passwordReset`: link to reset a password.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "passwordReset",
    about: "to a user who requested a password reset: link",
    optional: &["recipientName", "supportEmail"],
    sample: || {
        json!({
            "resetUrl": "https://acme.example/reset?token=abc",
            "expiresInMinutes": 60,
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(PasswordReset::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct PasswordReset {
    reset_url: Url,
    expires_in_minutes: u32,
    recipient_name: Option<String>,
    support_email: Option<String>,
}

impl PasswordReset {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            reset_url: fields.url("resetUrl")?,
            expires_in_minutes: fields.count("expiresInMinutes")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let time = match self.expires_in_minutes {
            1 => "in the next minute".to_owned(),
            minutes => format!("within the next {minutes} minutes"),
        };
        let preview = format!("Use this link to reset your password {time}.");
        let content = Content {
            heading: &format!("Reset your {} password", brand.name),
            preview: &preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[
                "We received a request to reset your password.",
                &preview,
                "If you did not request it, ignore this email. Your password stays unchanged.",
            ],
            details: &[],
            call_to_action: Some(("Reset password", &self.reset_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email {
            template: TEMPLATE.name,
            tag: "password-reset",
            subject: "Password reset instructions".into(),
            html,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(data: &Value) -> Result<PasswordReset, String> {
        PasswordReset::read(&Fields(data.as_object().expect("an object"))).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn link_is_sent_with_its_time() {
        let data = json!({ "resetUrl": "https://a.example/reset?token=a&b=c", "expiresInMinutes": 60 });
        let email = read(&data).expect("valid data").render(&Brand::named("Acme"));
        assert_eq!((email.template, email.tag), ("passwordReset", "password-reset"));
        assert_eq!(email.subject, "Password reset instructions");
        assert!(email.html.contains(">Reset your Acme password</h1>"));
        assert!(email.html.contains("href=\"https://a.example/reset?token=a&amp;b=c\""));
        assert!(email.text.contains("Use this link to reset your password within the next 60 minutes."));
        assert!(email.text.contains("Reset password: https://a.example/reset?token=a&b=c"));
    }

    #[test]
    fn single_minute_is_said_as_such() {
        let data = json!({ "resetUrl": "https://a.example", "expiresInMinutes": 1 });
        let email = read(&data).expect("valid data").render(&Brand::default());
        assert!(email.text.contains("Use this link to reset your password in the next minute."));
    }

    #[test]
    fn link_and_time_are_required() {
        assert_eq!(read(&json!({ "expiresInMinutes": 60 })), Err("data.resetUrl: is required".into()));
        let without_time = json!({ "resetUrl": "https://a.example" });
        assert_eq!(read(&without_time), Err("data.expiresInMinutes: is required".into()));
        let script = json!({ "resetUrl": "javascript:alert(1)", "expiresInMinutes": 60 });
        assert!(read(&script).is_err_and(|error| error.starts_with("data.resetUrl: ")));
    }
}
