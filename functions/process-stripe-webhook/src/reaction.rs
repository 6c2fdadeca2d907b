//! E-mail, notification and activity for an event. No I/O.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sigpost_jobs::payloads::create_notification::Recipients;
use sigpost_jobs::payloads::process_stripe_webhook::{Event, What};
use sigpost_jobs::payloads::{CreateNotification, SendEmail};
use sigpost_store::stripe::Customer;

use crate::money::formatted;
use crate::{Config, wording};

/// Name of a plan without a name.
const UNKNOWN_PLAN: &str = "Unknown Plan";
/// Maximum length of a text in the data of an e-mail in bytes.
const MAX_TEXT_BYTES: usize = 200;

/// What an event triggers.
#[derive(Debug, PartialEq)]
pub(crate) struct Reaction {
    /// Action in the activity log.
    pub(crate) action: &'static str,
    pub(crate) email: Option<SendEmail>,
    pub(crate) notification: Option<CreateNotification>,
}

/// Returns the reaction to an event. `at` is the time of the event.
pub(crate) fn react(event: &Event, customer: &Customer, config: &Config, at: Timestamp, now: Timestamp) -> Reaction {
    let tell = |event| Some(CreateNotification { to: Recipients::User(customer.owner_id.clone()), event });
    let write = |template: &str, data: Value| Some(email(customer, template, data));
    match &event.what {
        What::CheckoutCompleted { amount, plan_name } => {
            let plan = line(plan_name.as_deref().or(customer.plan_name.as_deref()).unwrap_or(UNKNOWN_PLAN));
            let data =
                json!({ "planName": plan, "amount": formatted(amount), "dashboardUrl": config.page("/app/general") });
            Reaction {
                action: "subscription.created",
                email: write("subscriptionCreated", data),
                notification: tell(wording::subscription_created(&plan, at)),
            }
        }
        What::PaymentFailed { amount_due } => {
            let amount_due = formatted(amount_due);
            let data = json!({ "amountDue": amount_due, "paymentDetailsUrl": config.page("/app/settings/billing") });
            Reaction {
                action: "payment.failed",
                email: write("paymentFailed", data),
                notification: tell(wording::payment_failed(&amount_due, at)),
            }
        }
        What::PaymentSucceeded { amount_paid } => Reaction {
            action: "payment.succeeded",
            email: None,
            notification: tell(wording::payment_succeeded(&formatted(amount_paid), at)),
        },
        What::SubscriptionUpdated(_) => Reaction { action: "subscription.updated", email: None, notification: None },
        What::SubscriptionDeleted(subscription) => Reaction {
            action: "subscription.deleted",
            email: None,
            notification: tell(wording::subscription_canceled(subscription.period_end, at)),
        },
        What::TrialWillEnd(subscription) => Reaction {
            action: "subscription.trial_will_end",
            email: None,
            notification: tell(wording::trial_ending(subscription.trial_end, at, now)),
        },
    }
}

fn email(customer: &Customer, template: &str, data: Value) -> SendEmail {
    let mut data: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
    if let Some(name) = customer.owner_name.as_deref().map(line).filter(|name| !name.is_empty()) {
        data.insert("recipientName".into(), name.into());
    }
    SendEmail::new(template, vec![customer.owner_email.clone()], data)
}

/// Makes a name valid for e-mails. Names come from third parties, and an invalid one must not block an event.
fn line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text[..text.floor_char_boundary(MAX_TEXT_BYTES)].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use sigpost_jobs::Job;
    use sigpost_jobs::payloads::process_stripe_webhook::Amount;

    use super::*;

    #[test]
    fn no_name_keeps_an_event_from_being_processed() {
        let customer = Customer {
            organization_id: "org".into(),
            owner_id: "user".into(),
            owner_email: "ada@example.com".into(),
            owner_name: Some(format!("Ada\r\nBcc: {}", "é".repeat(200))),
            plan_name: None,
        };
        let config = Config { app_url: "https://a.example/".parse().expect("a URL") };
        let what = What::CheckoutCompleted {
            amount: Amount { minor: 100, currency: None },
            plan_name: Some("P".repeat(1000)),
        };
        let event = Event { customer_id: None, what };
        let reaction = react(&event, &customer, &config, Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let (email, notification) =
            (reaction.email.expect("an e-mail"), reaction.notification.expect("a notification"));
        assert_eq!((email.validate(), notification.validate()), (Ok(()), Ok(())));
        assert_eq!(email.data["dashboardUrl"], "https://a.example/app/general");
    }
}
