//! `passwordReset`: link to reset a password.

use sigpost_jobs::payloads::send_email::PasswordReset;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &PasswordReset, brand: &Brand) -> Email {
    let time = match data.expires_in_minutes {
        1 => "in the next minute".to_owned(),
        minutes => format!("within the next {minutes} minutes"),
    };
    let preview = format!("Use this link to reset your password {time}.");
    let content = Content {
        heading: &format!("Reset your {} password", brand.name),
        preview: &preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[
            "We received a request to reset your password.",
            &preview,
            "If you did not request it, ignore this email. Your password stays unchanged.",
        ],
        details: &[],
        call_to_action: Some(("Reset password", &data.reset_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email {
        template: "passwordReset",
        tag: "password-reset",
        subject: "Password reset instructions".into(),
        html,
        text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::rendered;
    use crate::Email;

    fn read(data: &Value) -> Result<Email, String> {
        rendered("passwordReset", data)
    }

    #[test]
    fn link_is_sent_with_its_time() {
        let data = json!({ "resetUrl": "https://a.example/reset?token=a&b=c", "expiresInMinutes": 60 });
        let email = read(&data).expect("valid data");
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
        let email = read(&data).expect("valid data");
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
