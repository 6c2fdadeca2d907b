//! Alert channels, health checks and open alerts.

use anyhow::Result;
use reqwest::Url;
use sigpost_runtime::causes::with_causes;
use sigpost_runtime::env;
use sigpost_runtime::settings::{ALERT_EMAIL_TO, PAGERDUTY_ROUTING_KEY, PAGERDUTY_URL, SLACK_WEBHOOK_URL, Setting};
use sigpost_store::alerts::{self, Alert, Severity};
use sigpost_store::diagnosis::runs::{self, LastRun};

use super::finding::{Finding, lasting};
use super::subject::Subject;

/// Alert channel with the result of its check.
struct Channel {
    name: &'static str,
    /// Why it cannot be used, if so.
    fault: Option<String>,
}

pub(super) async fn channels(subject: &Subject) -> Result<Finding> {
    let mut channels = Vec::new();
    if let Some(url) = env::var(SLACK_WEBHOOK_URL)? {
        channels.push(Channel { name: "Slack", fault: unreachable(subject, SLACK_WEBHOOK_URL, &url).await });
    }
    if env::var(PAGERDUTY_ROUTING_KEY)?.is_some() {
        let url = env::parsed::<String>(PAGERDUTY_URL)?;
        channels.push(Channel { name: "PagerDuty", fault: unreachable(subject, PAGERDUTY_URL, &url).await });
    }
    if !env::list(ALERT_EMAIL_TO)?.is_empty() {
        channels.push(Channel { name: "e-mail", fault: None });
    }
    Ok(judge_channels(&channels))
}

/// Requests the root path of the host, which checks the connection and its certificate. The path of a webhook is
/// secret, and a request to it would post a message.
async fn unreachable(subject: &Subject, setting: Setting, url: &str) -> Option<String> {
    let Ok(mut url) = Url::parse(url) else { return Some(format!("{} is not a URL", setting.name)) };
    url.set_path("/");
    url.set_query(None);
    let host = url.host_str().unwrap_or_default().to_owned();
    match subject.http.head(url).send().await.map_err(reqwest::Error::without_url) {
        Ok(_) => None,
        Err(why) => Some(format!("{host} cannot be reached: {}", with_causes(why.to_string(), &why))),
    }
}

fn judge_channels(channels: &[Channel]) -> Finding {
    let names = channels.iter().map(|channel| channel.name).collect::<Vec<_>>().join(", ");
    let faults: Vec<&str> = channels.iter().filter_map(|channel| channel.fault.as_deref()).collect();
    match (channels, &faults[..]) {
        ([], _) => Finding::warned(
            "none",
            "no alert is sent when jobs fail, are stuck or late",
            "set SLACK_WEBHOOK_URL, PAGERDUTY_ROUTING_KEY or ALERT_EMAIL_TO, both for check-job-health and here",
        ),
        (_, []) => Finding::passed(names),
        _ => Finding::failed(names, faults.join("; "), "correct the setting, or allow these hosts in the firewall"),
    }
}

pub(super) async fn health_checks(subject: &Subject) -> Result<Finding> {
    Ok(judge_checks(runs::last_health_check(&mut *subject.session().await?).await?))
}

fn judge_checks(last: Option<LastRun>) -> Finding {
    let fix = "schedule it: POST /v2/schedules/BASE_URL/api/jobs/health with Upstash-Cron: */5 * * * * and the body {}";
    let reason = "check-job-health detects failing, stuck and late jobs, and that no job is processed at all";
    match last {
        Some(run) if run.completed_s <= 900.0 => {
            Finding::passed(format!("the last run completed {} ago", lasting(run.completed_s)))
        }
        Some(run) => Finding::warned(format!("the last run completed {} ago", lasting(run.completed_s)), reason, fix),
        None => Finding::warned("none in the last hour", reason, fix),
    }
}

pub(super) async fn open(subject: &Subject) -> Result<Finding> {
    Ok(judge_open(&alerts::open(&mut *subject.session().await?).await?))
}

fn judge_open(open: &[Alert]) -> Finding {
    let critical = open.iter().filter(|alert| alert.severity == Severity::Critical).count();
    let figure = format!("{} open, {critical} of them critical", open.len());
    let said: Vec<&str> = open.iter().take(10).map(|alert| alert.message.as_str()).collect();
    let fix = "fix the causes; check-job-health resolves each alert";
    match (open.len(), critical) {
        (0, _) => Finding::passed("none"),
        (_, 0) => Finding::warned(figure, said.join("; "), fix),
        _ => Finding::failed(figure, said.join("; "), fix),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State::{Failed, Passed, Warned};
    use super::*;

    #[test]
    fn alerts_need_a_reachable_recipient() {
        let channel = |fault: Option<&str>| Channel { name: "Slack", fault: fault.map(str::to_owned) };
        assert_eq!(judge_channels(&[]).state, Warned);
        assert_eq!(judge_channels(&[channel(None)]).state, Passed);
        assert_eq!(judge_channels(&[channel(None), channel(Some("away"))]).state, Failed);
    }

    #[test]
    fn open_alerts_are_as_bad_as_the_worst() {
        let alert = |severity| Alert {
            rule: "queue-depth".into(),
            subject: String::new(),
            severity,
            value: 1.0,
            message: "much".into(),
            opened_at_ms: 0,
            resolved: false,
            announced: true,
            notified_s_ago: None,
            notified_severity: None,
        };
        assert_eq!(judge_open(&[]).state, Passed);
        assert_eq!(judge_open(&[alert(Severity::Warning)]).state, Warned);
        assert_eq!(judge_open(&[alert(Severity::Warning), alert(Severity::Critical)]).state, Failed);
    }

    #[test]
    fn three_checks_may_be_missed() {
        let run = |completed_s| Some(LastRun { completed_s, retention_days: None });
        assert_eq!(judge_checks(run(900.0)).state, Passed);
        assert_eq!(judge_checks(run(901.0)).state, Warned);
        assert_eq!(judge_checks(None).state, Warned);
    }
}
