//! Types that process events of third parties.

use axum::Router;
use process_stripe_webhook::Config;
use process_webhook::Processors;
use serde_json::{Value, json};
use sigpost_jobs::Harness;
use sigpost_jobs::payloads::{ProcessStripeWebhook, ProcessWebhook};

use super::middle::Middle;
use super::subject::{Effects, Hopeless, Subject};
use crate::support::TestDatabase;

pub(super) struct Stripe;

impl Subject for Stripe {
    type Job = ProcessStripeWebhook;

    /// The event, the activity, the e-mail job and the notification job.
    const ONCE: Effects = Effects { written: 4, done: 0 };
    const OVERDUE: &'static str = "timed out after 120s";

    async fn new() -> Self {
        Self
    }

    fn router(&self, harness: Harness) -> Router {
        process_stripe_webhook::router(Config { app_url: "https://acme.example".parse().expect("a URL") }, harness)
    }

    async fn arrange(&self, database: &TestDatabase) {
        let customer = "insert into stripe_customers (id, organization_id, owner_id, owner_email)
                        values ('cus_1', 'org_9', 'user_7', 'ada@example.com')";
        database.execute(customer).await;
    }

    fn payload(&self) -> Value {
        let invoice = json!({ "id": "in_1", "customer": "cus_1", "amount_due": 1200, "currency": "usd" });
        json!({ "eventId": "evt_1", "eventType": "invoice.payment_failed", "eventData": invoice })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "eventId": "", "eventType": "invoice.payment_failed", "eventData": {} }), "eventId: must be 1 to 255")
    }

    fn middle(&self) -> Middle<'_> {
        Middle::Table("stripe_events")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        let written = "select (select count(*) from stripe_events) + (select count(*) from activity_logs)
                            + (select count(*) from messages where url like '%/email' or url like '%/notifications')";
        Effects { written: database.count(written).await, done: 0 }
    }
}

impl Hopeless for Stripe {
    /// An event whose follow-up job is invalid.
    async fn hopeless(&self, database: &TestDatabase) -> (Value, &'static str) {
        database.execute("update stripe_customers set owner_email = 'no-address'").await;
        (self.payload(), "send-email: to: is not an e-mail address")
    }
}

pub(super) struct Webhook;

impl Subject for Webhook {
    type Job = ProcessWebhook;

    const ONCE: Effects = Effects { written: 1, done: 0 };
    const OVERDUE: &'static str = "timed out after 60s";

    async fn new() -> Self {
        Self
    }

    fn router(&self, harness: Harness) -> Router {
        process_webhook::router(Processors::default(), harness)
    }

    fn payload(&self) -> Value {
        let bounce = json!({ "message": "no such mailbox", "type": "Permanent" });
        let data = json!({ "email_id": "re_1", "to": ["ada@example.com"], "subject": "Hi", "bounce": bounce });
        json!({ "source": "resend", "event": "email.bounced", "data": data })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "source": "resend", "event": "email.sent", "data": [] }), "data: must be ")
    }

    fn middle(&self) -> Middle<'_> {
        Middle::Table("email_logs")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        Effects { written: database.count("select count(*) from email_logs").await, done: 0 }
    }
}

impl Hopeless for Webhook {
    async fn hopeless(&self, _database: &TestDatabase) -> (Value, &'static str) {
        let webhook = json!({ "source": "resend", "event": "email.opened", "data": {} });
        (webhook, "event: \"email.opened\" of resend is not supported")
    }
}
