//! A job type on its own deployment, and the steps of a scenario.

use std::time::Duration;

use serde_json::Value;
use sigpost_jobs::{Harness, Job};
use sigpost_qstash::MessageId;
use sigpost_store::Database;
use tokio::task::JoinHandle;

use super::middle::{Held, until};
use super::subject::{Effects, Subject};
use crate::jobs::deployment::{Answered, Deployment, answer_later};
use crate::jobs::lease::advance_past_stop_notice;
use crate::support::TestApp;

/// The handlers' limit of a request body, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 20_000;

pub(super) struct Trial<S> {
    pub(super) subject: S,
    pub(super) deployment: Deployment,
}

/// A run that is blocked in its middle.
pub(super) struct HeldRun<'a> {
    pub(super) id: MessageId,
    /// The response to its delivery.
    pub(super) answer: JoinHandle<Answered>,
    pub(super) held: Held<'a>,
}

impl<S: Subject> Trial<S> {
    pub(super) async fn start() -> Self {
        let (subject, app) = (S::new().await, TestApp::start().await);
        subject.arrange(&app.database).await;
        // Without a lock timeout, so that statements wait for as long as the test holds the lock.
        let patient = format!("{}?options=-c%20lock_timeout%3D0", app.database.url);
        let database = Database::new(&patient, 3).expect("a URL");
        let handlers =
            |harness: Harness| subject.router(Harness { database, max_body_bytes: MAX_BODY_BYTES, ..harness });
        let deployment = Deployment::of(app, handlers).await;
        Self { subject, deployment }
    }

    pub(super) async fn publish(&self, payload: &Value) -> MessageId {
        self.deployment.publish::<S::Job>(&[], payload).await
    }

    pub(super) async fn effects(&self) -> Effects {
        self.subject.effects(&self.deployment.app.database).await
    }

    /// Publishes a delayed job, delivers it directly, and blocks its run in the middle.
    pub(super) async fn hold(&self) -> HeldRun<'_> {
        let (database, middle) = (&self.deployment.app.database, self.subject.middle());
        let held = middle.hold(database).await;
        let payload = self.subject.payload();
        let id = self.deployment.publish::<S::Job>(&[("Upstash-Delay", "1h")], &payload).await;
        let answer = answer_later(self.deployment.delivery_of::<S::Job>(id, &payload.to_string()));
        middle.reached(database).await;
        HeldRun { id, answer, held }
    }

    pub(super) async fn let_go(&self, held: Held<'_>) {
        held.release(&self.deployment.app.database).await;
    }

    /// Advances the clock of this process, not of Postgres, until the run has ended: by half heartbeat intervals,
    /// waiting for each heartbeat.
    pub(super) async fn advance_until_response(&self, id: MessageId, answer: JoinHandle<Answered>) -> Answered {
        let database = &self.deployment.app.database;
        let lease = async || {
            let sql = "select lease_until::text from job_executions where message_id = $1";
            database.query(sql, &[&id.to_string()]).await[0].get::<_, Option<String>>(0)
        };
        for _ in 0..S::Job::TIMEOUT.as_secs() / 10 {
            advance_past_stop_notice().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let Some(lease) = lease().await else { break };
            advance_past_stop_notice().await;
            until(database, &format!("select lease_until is distinct from '{lease}' from job_executions")).await;
        }
        answer.await.expect("joined")
    }

    /// Makes the record of a completed run fail until [`unblock_completion`](Self::unblock_completion).
    pub(super) async fn block_completion(&self) {
        let sql = "create function reject() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
                   create trigger rejecting before update on job_executions for each row
                   when (new.status = 'completed') execute function reject();";
        self.deployment.app.database.execute(sql).await;
    }

    /// Permits the record again, and expires the lease of the run that could not be recorded.
    pub(super) async fn unblock_completion(&self) {
        let sql = "drop trigger rejecting on job_executions;
                   update job_executions set lease_until = now() - interval '1 second' where status = 'processing'";
        self.deployment.app.database.execute(sql).await;
    }
}

/// Returns a copy of the value for each of its texts, with a zero byte in that text.
pub(super) fn with_a_zero_byte(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => vec![format!("{text}\0").into()],
        Value::Array(items) => (0..items.len())
            .flat_map(|index| {
                with_a_zero_byte(&items[index]).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[index] = item;
                    Value::Array(items)
                })
            })
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, member)| {
                with_a_zero_byte(member).into_iter().map(move |member| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), member);
                    Value::Object(fields)
                })
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
