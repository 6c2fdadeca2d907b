//! `subscriptionCreated`: to a new subscriber.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "subscriptionCreated",
    about: "to a new subscriber",
    optional: &["recipientName", "supportEmail"],
    sample: || {
        json!({
            "planName": "Pro",
            "amount": "29.00 EUR",
            "dashboardUrl": "https://acme.example/app",
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(SubscriptionCreated::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct SubscriptionCreated {
    plan_name: String,
    amount: String,
    dashboard_url: Url,
    recipient_name: Option<String>,
    support_email: Option<String>,
}

impl SubscriptionCreated {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            plan_name: fields.required("planName", Fields::text)?,
            amount: fields.required("amount", Fields::text)?,
            dashboard_url: fields.url("dashboardUrl")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let preview = format!("Your subscription to the {} plan is now active.", self.plan_name);
        let content = Content {
            heading: "Subscription Confirmation",
            preview: &preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[&preview, &format!("Amount: {}", self.amount)],
            details: &[],
            call_to_action: Some(("Go to your dashboard", &self.dashboard_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        let subject = format!("Your subscription to {} is active", self.plan_name);
        Email { template: TEMPLATE.name, tag: "subscription-created", subject, html, text }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(data: &Value) -> Result<SubscriptionCreated, String> {
        SubscriptionCreated::read(&Fields(data.as_object().expect("an object"))).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn plan_and_amount_are_confirmed() {
        let data = json!({ "planName": "R&D", "amount": "29.00", "dashboardUrl": "https://a.example/app" });
        let email = read(&data).expect("valid data").render(&Brand::named("Acme"));
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
