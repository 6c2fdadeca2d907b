//! `welcome`: to a new user or team member.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "welcome",
    about: "to a new user or team member",
    optional: &["recipientName", "teamName", "supportEmail"],
    sample: || {
        json!({
            "dashboardUrl": "https://acme.example/app",
            "recipientName": "Ada",
            "teamName": "Research",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(Welcome::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct Welcome {
    dashboard_url: Url,
    recipient_name: Option<String>,
    team_name: Option<String>,
    support_email: Option<String>,
}

impl Welcome {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            dashboard_url: fields.url("dashboardUrl")?,
            recipient_name: fields.text("recipientName")?,
            team_name: fields.text("teamName")?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let subject = format!("Welcome to {}", self.team_name.as_ref().unwrap_or(&brand.name));
        let preview = match &self.team_name {
            Some(team) => format!("You're now part of {team}. Let's get you started."),
            None => "Your new account is ready. Let's get you started.".into(),
        };
        let next = match &self.team_name {
            Some(_) => "Open your dashboard to see what your team is working on.",
            None => "Open your dashboard to get started.",
        };
        let content = Content {
            heading: &subject,
            preview: &preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[&preview, next],
            details: &[],
            call_to_action: Some(("Open your dashboard", &self.dashboard_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email { template: TEMPLATE.name, tag: "welcome-signup", html, text, subject }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn rendered(data: &Value) -> Email {
        let data = data.as_object().expect("an object");
        Welcome::read(&Fields(data)).expect("valid data").render(&Brand::named("Acme"))
    }

    #[test]
    fn newcomer_is_welcomed_to_the_product() {
        let email = rendered(&json!({ "dashboardUrl": "https://a.example/app" }));
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
        let email = rendered(&data);
        assert_eq!(email.subject, "Welcome to R&D <1>");
        assert!(email.text.contains("Hi Ada,"));
        assert!(email.text.contains("You're now part of R&D <1>. Let's get you started."));
        assert!(email.html.contains("You&#39;re now part of R&amp;D &lt;1&gt;. Let&#39;s get you started."));
        assert!(!email.html.contains("<1>"));
    }

    #[test]
    fn dashboard_is_required() {
        let refused = Welcome::read(&Fields(&serde_json::Map::new())).expect_err("no dashboard");
        assert_eq!(refused.to_string(), "data.dashboardUrl: is required");
    }
}
