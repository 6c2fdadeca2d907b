//! `paymentFailed`: to a customer whose payment failed.

use sigpost_jobs::payloads::send_email::PaymentFailed;

use crate::layout::{self, Content};
use crate::{Brand, Email};

/// Renders the e-mail.
pub(super) fn render(data: &PaymentFailed, brand: &Brand) -> Email {
    let preview = format!("We were unable to process your recent payment of {}.", data.amount_due);
    let content = Content {
        heading: "Payment Failed",
        preview: &preview,
        recipient_name: data.recipient_name.as_deref(),
        paragraphs: &[&preview, "Please update your payment details to keep your subscription active."],
        details: &[],
        call_to_action: Some(("Update payment details", &data.payment_details_url)),
        support_email: data.support_email.as_deref(),
    };
    let (html, text) = layout::render(&content, brand);
    Email { template: "paymentFailed", tag: "payment-failed", subject: "Your recent payment failed".into(), html, text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rendered;

    #[test]
    fn amount_and_remedy_are_said() {
        let data =
            json!({ "amountDue": "29.00", "paymentDetailsUrl": "https://a.example/billing", "recipientName": "Ada" });
        let email = rendered("paymentFailed", &data).expect("valid data");
        assert_eq!((email.template, email.tag), ("paymentFailed", "payment-failed"));
        assert_eq!(email.subject, "Your recent payment failed");
        assert!(email.html.contains(">Payment Failed</h1>"));
        assert!(email.text.contains("Hi Ada,"));
        assert!(email.text.contains("We were unable to process your recent payment of 29.00."));
        assert!(email.text.contains("Update payment details: https://a.example/billing"));
    }
}
