//! Who is told.

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

/// How long one of them may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Everybody that a deployment tells.
pub(crate) struct Channels {
    config: Config,
    http: reqwest::Client,
}

/// What came of telling.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many were told.
    pub(crate) reached: usize,
    /// Who was not, and why, without any secret.
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

    /// Tells everybody of one thing, each once however often the job is tried. E-mails go out with the
    /// end of the run.
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

/// Sends it unless an earlier attempt of this job has.
async fn once(
    ctx: &JobContext,
    channel: &str,
    notice: &Notice,
    request: impl FnOnce() -> RequestBuilder,
) -> Result<(), JobError> {
    ctx.once(&effect_name(channel, notice), async |_key| send(request()).await).await
}

/// A name for the ledger, which takes a hundred visible ASCII characters.
fn effect_name(channel: &str, notice: &Notice) -> String {
    let digest = Sha256::digest(&notice.subject);
    let subject: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{channel}/{}/{subject}", notice.rule)
}

async fn send(request: RequestBuilder) -> Result<(), JobError> {
    // The URL may be a secret: an error must not have it.
    let answer =
        request.send().await.map_err(|why| JobError::retryable(with_causes("no answer", &why.without_url())))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status @ StatusCode::TOO_MANY_REQUESTS => Err(JobError::retryable(format!("answered {status}"))),
        status => Err(JobError::permanent(format!("answered {status}"))),
    }
}

/// One line that says what it is about.
fn headline(notice: &Notice, config: &Config) -> String {
    let Config { deployment, .. } = config;
    let what = match notice.kind {
        Kind::Opened => notice.severity.as_str(),
        Kind::Worsened => "now critical",
        Kind::Reminder => "still wrong",
        Kind::Recovered => "recovered",
    };
    let subject = if notice.subject.is_empty() { String::new() } else { format!(" ({})", notice.subject) };
    format!("[{deployment}] {what}: {}{subject}: {}", notice.rule, notice.message)
}

/// Where it is written what to do.
fn runbook(notice: &Notice, config: &Config) -> String {
    format!("{}{}", config.runbook_url, notice.rule)
}
