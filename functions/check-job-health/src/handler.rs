//! The handler: measures, evaluates the rules, sends notices and records the alerts.

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use sigpost_jobs::payloads::CheckJobHealth;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_store::alerts::{self, Alert, Found, gather};
use sigpost_store::health::{Health, Numbers, Report, measure, report};
use sigpost_store::metrics::{Window, catch_up};
use sigpost_store::migrate;

use crate::alerts::{Finding, Kind, Notice, Seen, due, findings, readings};
use crate::channels::Channels;

/// Lock of a check. It prevents duplicate notices.
const LOCK: &str = "check-job-health";
/// Maximum number of notices of a check, most severe first. The others are sent by the next check.
const MOST_NOTICES: usize = 10;

/// Checks the jobs of one deployment.
pub(crate) struct Checker {
    pub(crate) channels: Channels,
}

/// The result of the job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    #[serde(flatten)]
    report: Report,
    /// Open alerts.
    alerts: Vec<Wrong>,
    /// Number of notices that at least one channel received.
    told: usize,
    /// Channels that failed, with the error.
    not_told: Vec<String>,
}

impl Checked {
    /// Returns the result of a check that sent no notices.
    fn measured(report: Report, why: String) -> Self {
        Self { report, alerts: Vec::new(), told: 0, not_told: vec![why] }
    }
}

#[derive(Debug, Serialize)]
struct Wrong {
    rule: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    severity: &'static str,
    value: f64,
    threshold: f64,
    message: String,
}

impl Handler for Checker {
    type Job = CheckJobHealth;

    /// Runs the check. If the deployment is unhealthy, the run still completes, and a warning is logged.
    async fn run(&self, job: CheckJobHealth, ctx: &JobContext) -> Result<Outcome, JobError> {
        let mut conn = ctx.database.connection().await?;
        catch_up(&mut conn).await?;
        let numbers = measure(&mut conn, job.window()).await?;
        drop(conn);
        let report = report(numbers.clone(), job.window());
        if report.health != Health::Healthy {
            tracing::warn!(health = ?report.health, reasons = ?report.reasons, "[jobs] Job health");
        }
        // A concurrent check sends the notices. After a crash the lock is held for up to 30 s.
        let lock = match ctx.lock(LOCK).await {
            Err(JobError::RetryAfter(_, why)) => return Ok(Outcome::with(Checked::measured(report, why))),
            lock => lock?,
        };
        let seen = self.look(numbers, job.window(), ctx).await?;
        let found = findings(readings(&seen), &self.channels.config().rules);
        let known = alerts::all(&mut *ctx.database.connection().await?).await?;
        let mut notices = due(&found, &known);
        notices.sort_by_key(|notice| std::cmp::Reverse(notice.severity));

        let mut told = Vec::new();
        let mut not_told = Vec::new();
        for notice in notices.iter().take(MOST_NOTICES) {
            let result = self.channels.tell(notice, ctx).await?;
            if result.reached > 0 {
                told.push(notice);
            }
            for why in result.failed {
                tracing::warn!(rule = notice.rule, %why, "alert notification failed");
                not_told.push(why);
            }
        }
        let checked = Checked { report, alerts: found.iter().map(Wrong::from).collect(), told: told.len(), not_told };
        let untold = untold_recoveries(&notices, &told, &known);
        let rows: Vec<Found<'_>> = found.iter().map(|one| row(one, &told)).chain(untold).collect();
        let outcome = ctx
            .commit(async |conn| {
                alerts::save(conn, &rows).await?;
                Ok(Outcome::with(checked))
            })
            .await;
        drop(lock);
        outcome
    }
}

impl Checker {
    /// Gathers the measurements of the rules. They cover the last hour, independent of the report's window.
    async fn look(&self, numbers: Numbers, window: Window, ctx: &JobContext) -> Result<Seen, JobError> {
        let mut conn = ctx.database.connection().await?;
        let hour = Window::new(std::time::Duration::from_secs(3600));
        let numbers = if window == hour { numbers } else { measure(&mut conn, hour).await? };
        let asked = Instant::now();
        let facts = gather(&mut conn).await?;
        let answered_in = asked.elapsed();
        let here = Timestamp::now().as_millisecond();
        drop(conn);
        let migrations = migrate::status(&ctx.database).await?;
        #[expect(clippy::cast_precision_loss, reason = "a difference of clocks")]
        let clock_skew_s = (here - facts.now_ms) as f64 / 1000.0;
        Ok(Seen {
            numbers,
            facts,
            answered_in,
            clock_skew_s,
            migrations_missing: migrations.iter().filter(|migration| !migration.applied).count(),
            expected: self.channels.config().expected.clone(),
        })
    }
}

impl From<&Finding> for Wrong {
    fn from(Finding { reading, severity, threshold }: &Finding) -> Self {
        Self {
            rule: reading.rule,
            subject: reading.subject.clone(),
            severity: severity.as_str(),
            value: reading.value,
            threshold: *threshold,
            message: reading.message.clone(),
        }
    }
}

fn row<'a>(Finding { reading, severity, .. }: &'a Finding, told: &[&Notice]) -> Found<'a> {
    let told = told.iter().any(|notice| notice.rule == reading.rule && notice.subject == reading.subject);
    Found {
        rule: reading.rule,
        subject: &reading.subject,
        severity: *severity,
        value: reading.value,
        message: &reading.message,
        told,
    }
}

/// Returns recovered alerts that stay open because no channel received the notice.
fn untold_recoveries<'a>(notices: &[Notice], told: &[&Notice], known: &'a [Alert]) -> Vec<Found<'a>> {
    let untold = notices.iter().filter(|notice| notice.kind == Kind::Recovered && !told.contains(notice));
    let rows = untold.filter_map(|notice| {
        let alert = known.iter().find(|alert| alert.rule == notice.rule && alert.subject == notice.subject)?;
        let Alert { rule, subject, severity, value, message, .. } = alert;
        Some(Found { rule, subject, severity: *severity, value: *value, message, told: false })
    });
    rows.collect()
}
