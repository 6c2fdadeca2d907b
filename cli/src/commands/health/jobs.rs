//! Health of the jobs.

use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::Value;

use crate::api_client::{Api, Refused, with_query};
use crate::output::{self, counted};
use crate::table::{Table, list, percent, text, time};

/// Requests the health of the jobs and prints it. Returns exit code 1 if they are unhealthy.
///
/// # Errors
///
/// The response contains no health.
pub(super) async fn ask(admin: &Api, window: &str, json: bool) -> Result<ExitCode> {
    let path = with_query("/api/admin/job-health", &[("window", window.into())]);
    let (status, report) = admin.answer(admin.request(Method::GET, &path)).await?;
    // The status is 503 both for unhealthy jobs and for an unavailable database. Only the first response has `health`.
    let Some(health) = report["health"].as_str() else {
        bail!(Refused::new(status, &report));
    };
    output::print(json, &report, || description(health, &report))?;
    Ok(if health == "unhealthy" { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn description(health: &str, report: &Value) -> String {
    let total = counted(report["totalJobs"].as_i64().unwrap_or_default(), "job");
    let jobs = format!("{health}: {total}, {} failed", percent(&report["failureRate"]));
    let reasons = list(&report["reasons"]).iter().map(|reason| format!("  {}", text(reason)));
    let alerts = Table::new(["ALERT", "SINCE", "RULE", "MESSAGE"])
        .rows(list(&report["alerts"]), |alert| {
            let [severity, rule, message] = ["severity", "rule", "message"].map(|name| text(&alert[name]));
            [severity, time(&alert["openedAt"]), rule, message]
        })
        .or("no open alerts");
    [jobs].into_iter().chain(reasons).chain([alerts]).collect::<Vec<_>>().join("\n")
}
