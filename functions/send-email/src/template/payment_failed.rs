//! `paymentFailed`: to a customer whose payment failed.

use serde_json::json;
use sigpost_jobs::Invalid;
use url::Url;

use super::Template;
use crate::fields::Fields;
use crate::layout::{Content, render};
use crate::{Brand, Email};

pub(super) const TEMPLATE: Template = Template {
    name: "paymentFailed",
    about: "to a customer whose payment failed",
    optional: &["recipientName", "supportEmail"],
    sample: || {
        json!({
            "amountDue": "29.00 EUR",
            "paymentDetailsUrl": "https://acme.example/app/settings/billing",
            "recipientName": "Ada",
            "supportEmail": "help@acme.example",
        })
    },
    render: |fields, brand| Ok(PaymentFailed::read(fields)?.render(brand)),
};

/// Data of the template.
#[derive(Clone, Debug, PartialEq)]
struct PaymentFailed {
    amount_due: String,
    payment_details_url: Url,
    recipient_name: Option<String>,
    support_email: Option<String>,
}

impl PaymentFailed {
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        Ok(Self {
            amount_due: fields.required("amountDue", Fields::text)?,
            payment_details_url: fields.url("paymentDetailsUrl")?,
            recipient_name: fields.text("recipientName")?,
            support_email: fields.address("supportEmail")?,
        })
    }

    fn render(&self, brand: &Brand) -> Email {
        let preview = format!("We were unable to process your recent payment of {}.", self.amount_due);
        let content = Content {
            heading: "Payment Failed",
            preview: &preview,
            recipient_name: self.recipient_name.as_deref(),
            paragraphs: &[&preview, "Please update your payment details to keep your subscription active."],
            details: &[],
            call_to_action: Some(("Update payment details", &self.payment_details_url)),
            support_email: self.support_email.as_deref(),
        };
        let (html, text) = render(&content, brand);
        Email {
            template: TEMPLATE.name,
            tag: "payment-failed",
            subject: "Your recent payment failed".into(),
            html,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_and_remedy_are_said() {
        let data =
            json!({ "amountDue": "29.00", "paymentDetailsUrl": "https://a.example/billing", "recipientName": "Ada" });
        let read = PaymentFailed::read(&Fields(data.as_object().expect("an object"))).expect("valid data");
        let email = read.render(&Brand::named("Acme"));
        assert_eq!((email.template, email.tag), ("paymentFailed", "payment-failed"));
        assert_eq!(email.subject, "Your recent payment failed");
        assert!(email.html.contains(">Payment Failed</h1>"));
        assert!(email.text.contains("Hi Ada,"));
        assert!(email.text.contains("We were unable to process your recent payment of 29.00."));
        assert!(email.text.contains("Update payment details: https://a.example/billing"));
    }
}
