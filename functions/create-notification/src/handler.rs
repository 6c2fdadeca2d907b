//! The handler: one statement for all users, in the transaction that completes the run.

use serde::Serialize;
use serde_json::Value;
use sigpost_jobs::payloads::CreateNotification;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::notifications::{self, NewNotification};

/// The result of the job.
#[derive(Debug, Serialize)]
struct Notified {
    /// Number of created notifications: 0 if an earlier run of the same message created them.
    created: i64,
}

/// Handler of the deployment's database.
pub(crate) struct Notifier;

impl Handler for Notifier {
    type Job = CreateNotification;

    async fn run(
        &self,
        CreateNotification { to, event }: CreateNotification,
        ctx: &JobContext,
    ) -> Result<Outcome, JobError> {
        let metadata = event.metadata.map(Value::Object);
        let new = NewNotification {
            message_id: &ctx.message_id,
            kind: event.kind.as_str(),
            category: event.category.unwrap_or_else(|| event.kind.category()).as_str(),
            priority: event.priority.as_str(),
            title: &event.title,
            message: &event.message,
            metadata: metadata.as_ref(),
            expires_at: event.expires_at,
        };
        ctx.commit(async |conn| {
            let created = notifications::insert(conn, to.ids(), &new).await?;
            Ok(Outcome::with(Notified { created }))
        })
        .await
    }
}
