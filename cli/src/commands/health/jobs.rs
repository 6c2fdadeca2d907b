//! Health of the jobs.

use std::process::ExitCode;

use anyhow::Result;
use sigpost_client::AdminClient;
use sigpost_qstash::admin::{Health, JobHealth};

use crate::output::{self, counted};
use crate::table::{Table, harmless, percent, text, time};

/// Requests the health of the jobs and prints it. Returns exit code 1 if they are unhealthy.
///
/// # Errors
///
/// The response contains no health.
pub(super) async fn print(admin: &AdminClient, window: &str, json: bool) -> Result<ExitCode> {
    let response = admin.get_job_health(Some(window)).response().await?;
    let health = response.read()?;
    output::print(json, &response.json()?, || description(&health))?;
    Ok(if health.report.health == Health::Unhealthy { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn description(JobHealth { report, alerts }: &JobHealth) -> String {
    let (total, failed) = (counted(report.total_jobs, "job"), percent(report.failure_rate));
    let jobs = format!("{}: {total}, {failed} failed", report.health.as_str());
    let reasons = report
        .reasons
        .iter()
        .map(|reason| format!("  {} {}: {}", reason.health.as_str(), text(&reason.check), harmless(&reason.text())));
    let alerts = Table::new(["ALERT", "SINCE", "RULE", "MESSAGE"])
        .rows(alerts, |alert| {
            [alert.severity.as_str().into(), time(alert.opened_at_ms), text(&alert.rule), text(&alert.message)]
        })
        .or("no open alerts");
    [jobs].into_iter().chain(reasons).chain([alerts]).collect::<Vec<_>>().join("\n")
}
