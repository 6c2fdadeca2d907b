//! Notification channels.

mod email;
mod pagerduty;
mod slack;

use std::time::Duration;

use anyhow::Context;
use reqwest::{RequestBuilder, StatusCode};
use sha2::{Digest, Sha256};
use sigpost_jobs::{JobContext, JobError};
use sigpost_runtime::causes::with_causes;

use crate::Config;
use crate::alerts::{Kind, Notice};

/// Timeout of a request to a channel.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The configured channels of a deployment.
pub(crate) struct Channels {
    config: Config,
    http: reqwest::Client,
}

/// Result of sending a notice.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Number of channels that received the notice.
    pub(crate) reached: usize,
    /// Channels that failed, with the error. Contains no secrets.
    pub(crate) failed: Vec<String>,
}

impl Channels {
    pub(crate) fn new(config: Config) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        Ok(Self { config, http: builder.build().context("the HTTP client cannot be built")? })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Sends a notice to all channels, to each once across all attempts of the job. E-mails are enqueued with the commit
    /// of the run.
    pub(crate) async fn tell(&self, notice: &Notice, ctx: &JobContext) -> Result<Told, JobError> {
        let mut told = Told::default();
        let note = |told: &mut Told, channel: &str, result: Result<(), JobError>| match result {
            Ok(()) => told.reached += 1,
            Err(why) => told.failed.push(format!("{channel}: {why}")),
        };
        if let Some(url) = &self.config.slack {
            let request = || self.http.post(url.clone()).json(&slack::body(notice, &self.config));
            note(&mut told, "Slack", once(ctx, "slack", notice, request).await);
        }
        if let Some((url, key)) = &self.config.pagerduty {
            let request = || self.http.post(url.clone()).json(&pagerduty::body(notice, &self.config, key));
            note(&mut told, "PagerDuty", once(ctx, "pagerduty", notice, request).await);
        }
        if !self.config.email_to.is_empty() {
            note(&mut told, "e-mail", email::enqueue(notice, &self.config, ctx));
        }
        Ok(told)
    }
}

/// Sends the request unless an earlier attempt of this job has sent it.
async fn once(
    ctx: &JobContext,
    channel: &str,
    notice: &Notice,
    request: impl FnOnce() -> RequestBuilder,
) -> Result<(), JobError> {
    ctx.once(&effect_name(channel, notice), async |_key| send(request()).await).await
}

/// Returns the name of the effect in the ledger, which accepts up to 100 visible ASCII characters.
fn effect_name(channel: &str, notice: &Notice) -> String {
    let digest = Sha256::digest(&notice.subject);
    let subject: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{channel}/{}/{subject}", notice.rule)
}

async fn send(request: RequestBuilder) -> Result<(), JobError> {
    // The URL may contain a secret, so errors omit it.
    let answer =
        request.send().await.map_err(|why| JobError::retryable(with_causes("no response", &why.without_url())))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status @ StatusCode::TOO_MANY_REQUESTS => Err(JobError::retryable(format!("status {status}"))),
        status => Err(JobError::permanent(format!("status {status}"))),
    }
}

/// Returns a one-line summary.
fn headline(notice: &Notice, config: &Config) -> String {
    let Config { deployment, .. } = config;
    let what = match notice.kind {
        Kind::Opened => notice.severity.as_str(),
        Kind::Worsened => "now critical",
        Kind::Reminder => "still firing",
        Kind::Recovered => "recovered",
    };
    let subject = if notice.subject.is_empty() { String::new() } else { format!(" ({})", notice.subject) };
    format!("[{deployment}] {what}: {}{subject}: {}", notice.rule, notice.message)
}

/// Returns the URL of the runbook section.
fn runbook(notice: &Notice, config: &Config) -> String {
    format!("{}{}", config.runbook_url, notice.rule)
}
