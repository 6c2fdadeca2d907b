//! `welcome`: to a new user or team member.

use sigpost_jobs::payloads::send_email::Welcome;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &Welcome, brand: &Brand) -> Email {
    let subject = format!("Welcome to {}", data.team_name.as_ref().unwrap_or(&brand.name));
    let preview = match &data.team_name {
        Some(team) => format!("You're now part of {team}. Let's get you started."),
        None => "Your new account is ready. Let's get you started.".into(),
    };
    let next = match &data.team_name {
        Some(_) => "Open your dashboard to see what your team is working on.",
        None => "Open your dashboard to get started.",
    };
    let content = Content {
        heading: &subject,
        preview: &preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[&preview, next],
        details: &[],
        call_to_action: Some(("Open your dashboard", &data.dashboard_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email { template: "welcome", tag: "welcome-signup", html, text, subject }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rendered;

    #[test]
    fn newcomer_is_welcomed_to_the_product() {
        let email = rendered("welcome", &json!({ "dashboardUrl": "https://a.example/app" })).expect("valid data");
        assert_eq!((email.template, email.tag), ("welcome", "welcome-signup"));
        assert_eq!(email.subject, "Welcome to Acme");
        for part in [
            "Hi there,",
            "Your new account is ready. Let's get you started.",
            "Open your dashboard: https://a.example/app",
        ] {
            assert!(email.text.contains(part), "{part} is not in {}", email.text);
        }
        assert!(email.html.contains(">Welcome to Acme</h1>"));
        assert!(email.html.contains("href=\"https://a.example/app\""));
    }

    #[test]
    fn member_is_welcomed_to_the_team() {
        let data = json!({ "dashboardUrl": "https://a.example", "recipientName": "Ada", "teamName": "R&D <1>" });
        let email = rendered("welcome", &data).expect("valid data");
        assert_eq!(email.subject, "Welcome to R&D <1>");
        assert!(email.text.contains("Hi Ada,"));
        assert!(email.text.contains("You're now part of R&D <1>. Let's get you started."));
        assert!(email.html.contains("You&#39;re now part of R&amp;D &lt;1&gt;. Let&#39;s get you started."));
        assert!(!email.html.contains("<1>"));
    }

    #[test]
    fn dashboard_is_required() {
        let rejected = rendered("welcome", &json!({}));
        assert_eq!(rejected, Err("data.dashboardUrl: is required".into()));
    }
}
