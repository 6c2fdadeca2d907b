//! `paymentFailed`: to a customer whose payment failed.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

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
    read: |fields| Ok(EmailData::PaymentFailed(PaymentFailed::read(fields)?)),
};

/// Data of the template `paymentFailed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFailed {
    /// Amount, with its currency.
    pub amount_due: String,
    /// Link to the payment details.
    pub payment_details_url: Url,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
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
}
