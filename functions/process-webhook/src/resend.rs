//! Webhooks of Resend about the delivery of e-mails: <https://resend.com/docs/dashboard/webhooks/event-types>.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sigpost_jobs::payloads::ProcessWebhook;
use sigpost_jobs::{Invalid, JobContext, JobError, Outcome, null_is_absent};
use sigpost_qstash::json::reason;
use sigpost_store::email_logs::{self, EmailNews, EmailStatus};

use crate::Processor;

/// Updates `email_logs`.
pub(crate) struct Resend;

/// The fields of `data` that are used.
#[derive(Debug, Deserialize)]
struct Data {
    email_id: String,
    #[serde(default, deserialize_with = "null_is_absent")]
    to: Vec<String>,
    subject: Option<String>,
    bounce: Option<Bounce>,
    failed: Option<Failed>,
}

#[derive(Debug, Deserialize)]
struct Bounce {
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Failed {
    reason: Option<String>,
}

impl Processor for Resend {
    fn process<'a>(
        &'a self,
        webhook: &'a ProcessWebhook,
        ctx: &'a JobContext,
    ) -> BoxFuture<'a, Result<Outcome, JobError>> {
        async move {
            let status = status(&webhook.event)?;
            let data = read(webhook)?;
            let error = data.bounce.and_then(|bounce| bounce.message).or(data.failed.and_then(|failed| failed.reason));
            let news = EmailNews {
                email_id: &data.email_id,
                provider: "resend",
                recipient: &data.to.join(", "),
                subject: data.subject.as_deref(),
                status,
                at: webhook.occurred_at.unwrap_or_else(Timestamp::now),
                error: error.as_deref(),
            };
            ctx.commit(async |conn| {
                let status = email_logs::update(conn, news).await?;
                Ok(Outcome::with(json!({ "emailId": data.email_id, "status": status })))
            })
            .await
        }
        .boxed()
    }
}

fn status(event: &str) -> Result<EmailStatus, JobError> {
    match event {
        "email.sent" => Ok(EmailStatus::Sent),
        "email.delivered" => Ok(EmailStatus::Delivered),
        "email.failed" => Ok(EmailStatus::Failed),
        "email.bounced" => Ok(EmailStatus::Bounced),
        "email.complained" => Ok(EmailStatus::Complained),
        other => Err(JobError::permanent(format!("event: {other:?} of resend is not supported"))),
    }
}

fn read(webhook: &ProcessWebhook) -> Result<Data, Invalid> {
    let data = Value::Object(webhook.data.clone());
    let data: Data = serde_path_to_error::deserialize(&data).map_err(|why| {
        let path = why.path().to_string();
        let field = if path == "." { "data".to_owned() } else { format!("data.{path}") };
        Invalid::new(field, reason(why.inner()))
    })?;
    if data.email_id.is_empty() {
        return Err(Invalid::new("data.email_id", "must not be empty"));
    }
    Ok(data)
}
