//! The handler: measures, evaluates the rules, sends notices and records the alerts.

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use sigpost_health::{Deployment, Finding, Readings, checks, report};
use sigpost_jobs::payloads::CheckJobHealth;
use sigpost_jobs::{Handler, JobContext, JobError, Outcome};
use sigpost_qstash::admin::{Health, Reason, Report};
use sigpost_store::alerts::{self, Alert, Found, gather};
use sigpost_store::metrics::{Window, catch_up};
use sigpost_store::migrate;

use crate::alerts::{Kind, Notice, due};
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
        let rules = &self.channels.config().rules;
        let mut conn = ctx.database.connection().await?;
        catch_up(&mut conn).await?;
        let mut readings = Readings::measure(&mut conn, job.window()).await?;
        drop(conn);
        // A concurrent check sends the notices. After a crash the lock is held for up to 30 s.
        let lock = match ctx.lock(LOCK).await {
            Err(JobError::RetryAfter(_, why)) => {
                return Ok(Outcome::with(Checked::measured(report(readings, rules), why)));
            }
            lock => lock?,
        };
        let found = rules.findings(&checks::ALL, &self.measure(&readings, ctx).await?);
        // The stored alerts are those of the last check.
        readings.alerts = found.iter().map(open_alert).collect();
        let report = report(readings, rules);
        if report.health != Health::Healthy {
            let reasons: Vec<String> = report.reasons.iter().map(Reason::text).collect();
            tracing::warn!(health = report.health.as_str(), ?reasons, "[jobs] Job health");
        }
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
    /// Measures what all checks read. Counts cover the last hour, independent of the report's window.
    async fn measure(&self, report: &Readings, ctx: &JobContext) -> Result<Readings, JobError> {
        let mut conn = ctx.database.connection().await?;
        let hour = Window::default();
        let readings = if report.window == hour { report.clone() } else { Readings::measure(&mut conn, hour).await? };
        let facts = gather(&mut conn).await?;
        let here = Timestamp::now().as_millisecond();
        drop(conn);
        let migrations = migrate::status(&ctx.database).await?;
        // The first round trip may open a connection.
        ctx.database.ping().await?;
        let asked = Instant::now();
        ctx.database.ping().await?;
        let response_time = asked.elapsed();
        #[expect(clippy::cast_precision_loss, reason = "a difference of clocks")]
        let clock_skew_s = (here - facts.now_ms) as f64 / 1000.0;
        let deployment = Deployment {
            facts,
            response_time,
            clock_skew_s,
            migrations_missing: migrations.iter().filter(|migration| !migration.applied).count(),
            expected: self.channels.config().expected.clone(),
        };
        Ok(Readings { deployment, ..readings })
    }
}

/// Returns the alert that a finding opens.
fn open_alert(Finding { reading, severity, .. }: &Finding) -> Alert {
    Alert {
        rule: reading.check.id.to_owned(),
        subject: reading.subject.clone(),
        severity: *severity,
        value: reading.value,
        message: reading.message.clone(),
        opened_at_ms: Timestamp::now().as_millisecond(),
        resolved: false,
        announced: false,
        notified_s_ago: None,
        notified_severity: None,
    }
}

impl From<&Finding> for Wrong {
    fn from(Finding { reading, severity, threshold }: &Finding) -> Self {
        Self {
            rule: reading.check.id,
            subject: reading.subject.clone(),
            severity: severity.as_str(),
            value: reading.value,
            threshold: *threshold,
            message: reading.message.clone(),
        }
    }
}

fn row<'a>(Finding { reading, severity, .. }: &'a Finding, told: &[&Notice]) -> Found<'a> {
    let told = told.iter().any(|notice| notice.rule == reading.check.id && notice.subject == reading.subject);
    Found {
        rule: reading.check.id,
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
