//! `subscriptionCreated`: to a new subscriber.

use sigpost_jobs::payloads::send_email::SubscriptionCreated;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &SubscriptionCreated, brand: &Brand) -> Email {
    let preview = format!("Your subscription to the {} plan is now active.", data.plan_name);
    let content = Content {
        heading: "Subscription Confirmation",
        preview: &preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[&preview, &format!("Amount: {}", data.amount)],
        details: &[],
        call_to_action: Some(("Go to your dashboard", &data.dashboard_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    let subject = format!("Your subscription to {} is active", data.plan_name);
    Email { template: "subscriptionCreated", tag: "subscription-created", subject, html, text }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::rendered;
    use crate::Email;

    fn read(data: &Value) -> Result<Email, String> {
        rendered("subscriptionCreated", data)
    }

    #[test]
    fn plan_and_amount_are_confirmed() {
        let data = json!({ "planName": "R&D", "amount": "29.00", "dashboardUrl": "https://a.example/app" });
        let email = read(&data).expect("valid data");
        assert_eq!((email.template, email.tag), ("subscriptionCreated", "subscription-created"));
        assert_eq!(email.subject, "Your subscription to R&D is active");
        assert!(email.html.contains(">Subscription Confirmation</h1>"));
        assert!(email.html.contains("Your subscription to the R&amp;D plan is now active."));
        assert!(email.text.contains("Amount: 29.00"));
        assert!(email.text.contains("Go to your dashboard: https://a.example/app"));
    }

    #[test]
    fn plan_and_amount_are_required() {
        let without_plan = json!({ "amount": "1", "dashboardUrl": "https://a.example" });
        assert_eq!(read(&without_plan), Err("data.planName: is required".into()));
        let without_amount = json!({ "planName": "Pro", "amount": "", "dashboardUrl": "https://a.example" });
        assert_eq!(read(&without_amount), Err("data.amount: is required".into()));
    }
}
