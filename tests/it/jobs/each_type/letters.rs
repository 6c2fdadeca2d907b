//! Types that notify people: e-mails and notifications.

use axum::Router;
use send_email::{Brand, Config, Transport};
use serde_json::{Value, json};
use sigpost_jobs::Harness;
use sigpost_jobs::payloads::{CreateNotification, SendEmail};

use super::middle::Middle;
use super::provider::Provider;
use super::subject::{Effects, Hopeless, Subject};
use crate::support::{Answer, TestDatabase};

pub(super) struct Email {
    resend: Provider,
}

impl Subject for Email {
    type Job = SendEmail;

    /// A row of the log and an e-mail.
    const ONCE: Effects = Effects { written: 1, done: 1 };
    const OVERDUE: &'static str = "timed out after 30s";

    async fn new() -> Self {
        Self { resend: Provider::resend().await }
    }

    fn router(&self, harness: Harness) -> Router {
        let base_url = self.resend.url().parse().expect("a URL");
        let config = Config {
            transport: Transport::Resend { api_key: "re_key".into(), base_url },
            from: "Acme <hello@acme.example>".into(),
            reply_to: None,
            brand: Brand::named("Acme"),
        };
        send_email::router(config, harness).expect("a configuration")
    }

    fn payload(&self) -> Value {
        let data = json!({ "dashboardUrl": "https://acme.example" });
        json!({ "template": "welcome", "to": "ada@example.com", "data": data })
    }

    fn malformed(&self) -> (Value, &'static str) {
        (json!({ "template": "welcome", "to": "ada", "data": {} }), "data.dashboardUrl: is required")
    }

    /// After the request to Resend, which times out after 10 s, before a run can detect a cancellation or a lost
    /// lease.
    fn middle(&self) -> Middle<'_> {
        Middle::Table("email_logs")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        let written = database.count("select count(*) from email_logs").await;
        Effects { written, done: self.resend.effects().await }
    }
}

impl Hopeless for Email {
    async fn hopeless(&self, _database: &TestDatabase) -> (Value, &'static str) {
        let rejection = json!({ "statusCode": 422, "name": "validation_error", "message": "why" }).to_string();
        self.resend.answers(Answer::status(422).header("Content-Type", "application/json").body(rejection));
        (self.payload(), "Resend: validation_error (422): why")
    }
}

pub(super) struct Notification;

impl Subject for Notification {
    type Job = CreateNotification;

    const ONCE: Effects = Effects { written: 2, done: 0 };
    const OVERDUE: &'static str = "timed out after 30s";

    async fn new() -> Self {
        Self
    }

    fn router(&self, harness: Harness) -> Router {
        create_notification::router(harness)
    }

    fn payload(&self) -> Value {
        json!({ "userIds": ["user_7", "user_8"], "event": { "type": "system.update", "title": "T", "message": "M" } })
    }

    fn malformed(&self) -> (Value, &'static str) {
        let event = json!({ "type": "system.update", "title": "", "message": "M" });
        (json!({ "userIds": ["user_7"], "event": event }), "event.title: must be 1 to 255 characters")
    }

    fn middle(&self) -> Middle<'_> {
        Middle::Table("notifications")
    }

    async fn effects(&self, database: &TestDatabase) -> Effects {
        Effects { written: database.count("select count(*) from notifications").await, done: 0 }
    }
}
