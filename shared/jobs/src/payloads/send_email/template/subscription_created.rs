//! `subscriptionCreated`: to a new subscriber.

use serde_json::json;
use url::Url;

use super::{EmailData, Template};
use crate::Invalid;
use crate::payloads::send_email::fields::Fields;

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
    read: |fields| Ok(EmailData::SubscriptionCreated(SubscriptionCreated::read(fields)?)),
};

/// Data of the template `subscriptionCreated`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionCreated {
    /// Name of the plan.
    pub plan_name: String,
    /// Amount, with its currency.
    pub amount: String,
    /// Link to the dashboard.
    pub dashboard_url: Url,
    /// Name in the greeting.
    pub recipient_name: Option<String>,
    /// Overrides the brand's support address.
    pub support_email: Option<String>,
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
}
