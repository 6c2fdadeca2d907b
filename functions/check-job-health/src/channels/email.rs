//! E-mail, sent by a send-email job.

use serde_json::json;
use sigpost_jobs::payloads::SendEmail;
use sigpost_jobs::{EnqueueOptions, JobContext, JobError};

use super::{headline, runbook};
use crate::Config;
use crate::alerts::Notice;

/// Maximum length of a text field of the template in bytes.
const MAX_TEXT_BYTES: usize = 200;

/// Enqueues an e-mail. It is stored with the commit of the run.
pub(super) fn enqueue(notice: &Notice, config: &Config, ctx: &JobContext) -> Result<(), JobError> {
    let data = json!({
        "headline": cut(&headline(notice, config)),
        "message": cut(&notice.message),
        "rule": notice.rule,
        "subject": cut(&notice.subject),
        "severity": notice.severity.as_str(),
        "runbook": cut(&runbook(notice, config)),
    });
    let data = data.as_object().cloned().unwrap_or_default();
    let job = SendEmail::new("alert", config.email_to.clone(), data);
    let enqueued = ctx.enqueue(&job, EnqueueOptions::default());
    enqueued.map(|_| ()).map_err(|why| JobError::permanent(format!("send-email: {why}")))
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}
