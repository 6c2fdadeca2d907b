//! The supported events of Stripe.

use jiff::Timestamp;

use super::ProcessStripeWebhook;
use super::fields::Fields;
use crate::Invalid;

/// A supported event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `cus_...`.
    pub customer_id: Option<String>,
    /// Type and data.
    pub what: What,
}

/// Type of an event, with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `checkout.session.completed` or `checkout.session.async_payment_succeeded`: a customer has subscribed and paid any
    /// amount due.
    CheckoutCompleted {
        /// Paid amount.
        amount: Amount,
        /// Name of the plan, if the checkout has one.
        plan_name: Option<String>,
    },
    /// `invoice.payment_failed`.
    PaymentFailed {
        /// Amount of the invoice.
        amount_due: Amount,
    },
    /// `invoice.payment_succeeded`.
    PaymentSucceeded {
        /// Paid amount.
        amount_paid: Amount,
    },
    /// `customer.subscription.updated`.
    SubscriptionUpdated(Subscription),
    /// `customer.subscription.deleted`: the subscription has ended.
    SubscriptionDeleted(Subscription),
    /// `customer.subscription.trial_will_end`: three days before the end of the trial.
    TrialWillEnd(Subscription),
}

/// An amount in Stripe's representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Number of minor units of the currency.
    pub minor: i64,
    /// Currency, in lower case.
    pub currency: Option<String>,
}

/// State of a subscription in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `sub_...`.
    pub id: String,
    /// Status, for example `active`.
    pub status: String,
    /// `prod_...`.
    pub product_id: Option<String>,
    /// Name of the plan.
    pub plan_name: Option<String>,
    /// End of the paid period.
    pub period_end: Option<Timestamp>,
    /// End of the trial.
    pub trial_end: Option<Timestamp>,
}

impl Event {
    /// Reads an event. The inner `Err` is the reason why the event is ignored.
    ///
    /// # Errors
    ///
    /// A field is missing or invalid.
    pub fn read(job: &ProcessStripeWebhook) -> Result<Result<Self, String>, Invalid> {
        let fields = Fields::of(&job.event_data);
        let amount = |name: &str| -> Result<Amount, Invalid> {
            let currency = fields.text("currency")?.map(str::to_owned);
            Ok(Amount { minor: fields.integer(name)?.unwrap_or_default(), currency })
        };
        let nothing = |reason: &str| Ok(Err(reason.to_owned()));
        let what = match job.event_type.as_str() {
            kind @ ("checkout.session.completed" | "checkout.session.async_payment_succeeded") => {
                // Stripe always sends the mode; a job published by hand may omit it.
                if fields.text("mode")?.is_some_and(|mode| mode != "subscription") {
                    return nothing("the checkout is not for a subscription");
                }
                if kind == "checkout.session.completed" && fields.text("payment_status")? == Some("unpaid") {
                    return nothing("the payment is pending; checkout.session.async_payment_succeeded follows");
                }
                let plan_name = fields.object("metadata")?.map_or(Ok(None), |metadata| metadata.text("planName"))?;
                What::CheckoutCompleted { amount: amount("amount_total")?, plan_name: plan_name.map(str::to_owned) }
            }
            "invoice.payment_failed" => What::PaymentFailed { amount_due: amount("amount_due")? },
            "invoice.payment_succeeded" => {
                if fields.integer("amount_paid")?.unwrap_or_default() == 0 {
                    return nothing("the paid amount is 0");
                }
                What::PaymentSucceeded { amount_paid: amount("amount_paid")? }
            }
            "customer.subscription.updated" => What::SubscriptionUpdated(Subscription::read(&fields)?),
            "customer.subscription.deleted" => What::SubscriptionDeleted(Subscription::read(&fields)?),
            "customer.subscription.trial_will_end" => What::TrialWillEnd(Subscription::read(&fields)?),
            kind => return nothing(&format!("event type {kind} is not supported")),
        };
        let customer_id = fields.id("customer")?.map(str::to_owned).or_else(|| job.customer_id.clone());
        Ok(Ok(Self { customer_id, what }))
    }

    /// Returns the subscription in the event, if any, and whether it has ended.
    pub fn subscription(&self) -> Option<(&Subscription, bool)> {
        match &self.what {
            What::SubscriptionDeleted(subscription) => Some((subscription, true)),
            What::SubscriptionUpdated(subscription) | What::TrialWillEnd(subscription) => Some((subscription, false)),
            _ => None,
        }
    }
}

impl Subscription {
    /// Reads a subscription. The period is in the items in newer versions of Stripe's API, in the subscription in older ones.
    fn read(fields: &Fields<'_>) -> Result<Self, Invalid> {
        let item = fields.object("items")?.map_or(Ok(None), |items| items.first_of("data"))?;
        let of_item = |name: &str| item.as_ref().map_or(Ok(None), |item| item.integer(name));
        let price = item.as_ref().map_or(Ok(None), |item| item.object("price"))?;
        let (mut product_id, mut plan_name) = (None, None);
        if let Some(price) = price {
            product_id = price.id("product")?;
            let named = price.expanded("product")?.map_or(Ok(None), |product| product.text("name"))?;
            plan_name = if named.is_some() { named } else { price.text("nickname")? };
        }
        let period_end = fields.integer("current_period_end")?.or(of_item("current_period_end")?);
        Ok(Self {
            id: fields.required_text("id")?.to_owned(),
            status: fields.required_text("status")?.to_owned(),
            product_id: product_id.map(str::to_owned),
            plan_name: plan_name.map(str::to_owned),
            period_end: period_end.and_then(|at| Timestamp::from_second(at).ok()),
            trial_end: fields.integer("trial_end")?.and_then(|at| Timestamp::from_second(at).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(kind: &str, data: &Value) -> Result<Result<Event, String>, String> {
        let job = json!({ "eventType": kind, "eventId": "evt_1", "eventData": data, "customerId": "cus_job" });
        let job: ProcessStripeWebhook = serde_json::from_value(job).expect("a job");
        Event::read(&job).map_err(|invalid| invalid.to_string())
    }

    fn subscription(data: &Value) -> Subscription {
        match read("customer.subscription.updated", data).expect("valid").expect("something to do").what {
            What::SubscriptionUpdated(subscription) => subscription,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn subscription_is_read_from_older_and_newer_versions() {
        let at = Timestamp::from_second(1_800_000_000).expect("time");
        let item = json!({ "price": { "product": "prod_1", "nickname": "Pro" }, "current_period_end": 1_800_000_000 });
        let newer = json!({ "id": "sub_1", "status": "active", "items": { "data": [item] } });
        let read = subscription(&newer);
        assert_eq!((read.product_id.as_deref(), read.plan_name.as_deref()), (Some("prod_1"), Some("Pro")));
        assert_eq!(read.period_end, Some(at));

        let item = json!({ "price": { "product": { "id": "prod_1", "name": "Team" }, "nickname": "Pro" } });
        let older = json!({ "id": "sub_1", "status": "active", "items": { "data": [item] }, "current_period_end": 1_800_000_000 });
        let read = subscription(&older);
        assert_eq!((read.product_id.as_deref(), read.plan_name.as_deref()), (Some("prod_1"), Some("Team")));
        assert_eq!(read.period_end, Some(at));
    }

    #[test]
    fn customer_is_an_id_or_expanded_or_the_jobs() {
        let customer =
            |data: Value| read("invoice.payment_failed", &data).expect("valid").expect("something to do").customer_id;
        assert_eq!(customer(json!({ "customer": "cus_1" })).as_deref(), Some("cus_1"));
        assert_eq!(customer(json!({ "customer": { "id": "cus_2" } })).as_deref(), Some("cus_2"));
        assert_eq!(customer(json!({ "customer": null })).as_deref(), Some("cus_job"));
    }

    #[test]
    fn error_names_the_field() {
        for (kind, data, error) in [
            ("customer.subscription.deleted", json!({ "status": "canceled" }), "eventData.id: is required"),
            ("customer.subscription.updated", json!({ "id": "sub_1" }), "eventData.status: is required"),
            ("invoice.payment_failed", json!({ "amount_due": "12" }), "eventData.amount_due: must be a whole number"),
            ("invoice.payment_failed", json!({ "customer": 7 }), "eventData.customer: must be a string"),
            (
                "customer.subscription.updated",
                json!({ "id": "s", "status": "active", "items": { "data": [{ "price": 1 }] } }),
                "eventData.items.data[0].price: must be an object",
            ),
        ] {
            assert_eq!(read(kind, &data), Err(error.into()));
        }
    }

    #[test]
    fn events_without_consequence_say_why() {
        let no_subscription = "the checkout is not for a subscription";
        let pending = "the payment is pending; checkout.session.async_payment_succeeded follows";
        let unpaid_invoice = "the paid amount is 0";
        for (kind, data, reason) in [
            ("charge.refunded", json!({ "amount": "x" }), "event type charge.refunded is not supported"),
            ("checkout.session.completed", json!({ "mode": "payment" }), no_subscription),
            ("checkout.session.completed", json!({ "mode": "setup" }), no_subscription),
            ("checkout.session.completed", json!({ "mode": "payment", "payment_status": "paid" }), no_subscription),
            ("checkout.session.completed", json!({ "mode": "subscription", "payment_status": "unpaid" }), pending),
            ("checkout.session.completed", json!({ "payment_status": "unpaid" }), pending),
            ("checkout.session.async_payment_succeeded", json!({ "mode": "payment" }), no_subscription),
            (
                "checkout.session.async_payment_failed",
                json!({ "mode": "subscription" }),
                "event type checkout.session.async_payment_failed is not supported",
            ),
            ("checkout.session.expired", json!({}), "event type checkout.session.expired is not supported"),
            ("invoice.payment_succeeded", json!({ "amount_paid": 0, "currency": "usd" }), unpaid_invoice),
            ("invoice.payment_succeeded", json!({}), unpaid_invoice),
        ] {
            assert_eq!(read(kind, &data), Ok(Err(reason.to_owned())), "{kind} {data}");
        }
    }

    #[test]
    fn a_paid_checkout_of_a_subscription_counts_once() {
        let completed = "checkout.session.completed";
        for (kind, mode, status) in [
            (completed, json!("subscription"), json!("paid")),
            (completed, json!("subscription"), json!("no_payment_required")),
            (completed, json!("subscription"), Value::Null),
            (completed, Value::Null, json!("paid")),
            ("checkout.session.async_payment_succeeded", json!("subscription"), json!("paid")),
        ] {
            let data = json!({ "mode": mode, "payment_status": status, "amount_total": 500, "currency": "ugx" });
            let what = read(kind, &data).expect("valid").expect("something to do").what;
            assert_eq!(
                what,
                What::CheckoutCompleted {
                    amount: Amount { minor: 500, currency: Some("ugx".into()) },
                    plan_name: None
                },
                "{kind} {data}"
            );
        }
    }
}
