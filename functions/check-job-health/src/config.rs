//! Configuration of alerts and channels.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sigpost_health::Rules;
use sigpost_jobs::payloads::recipients;
use sigpost_qstash::parse_duration;
use sigpost_runtime::settings::{
    ALERT_EMAIL_TO, ALERT_EXPECT, PAGERDUTY_ROUTING_KEY, PAGERDUTY_URL, RUNBOOK_URL, SIGPOST_DEPLOYMENT,
    SLACK_WEBHOOK_URL, Setting, http_url, line,
};
use sigpost_runtime::{Reading, env};
use url::Url;

/// The settings of the function. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Config {
    /// `SIGPOST_DEPLOYMENT`: name of the deployment in alerts. Default `sigpost`.
    pub deployment: String,
    /// `ALERT_RULES`: thresholds of the alerts. See [`Rules::parse`].
    pub rules: Rules,
    /// `ALERT_EXPECT`: maximum time between completions by job type, for example `cleanup-old-data=25h`.
    pub expected: BTreeMap<String, Duration>,
    /// `SLACK_WEBHOOK_URL`: an incoming webhook. A secret.
    pub slack: Option<Url>,
    /// URL of the API (`PAGERDUTY_URL`, default: that of PagerDuty) and `PAGERDUTY_ROUTING_KEY`, the key of an
    /// integration. The key is a secret.
    pub pagerduty: Option<(Url, String)>,
    /// `ALERT_EMAIL_TO`: addresses, separated by commas.
    pub email_to: Vec<String>,
    /// `RUNBOOK_URL`: prefix of links to runbook sections. Default: the page in the repository.
    pub runbook_url: String,
}

impl Config {
    /// Reads the configuration. No variable is required. `reading` collects invalid ones.
    pub fn read(reading: &mut Reading) -> Option<Self> {
        let url =
            |reading: &mut Reading, setting: Setting| reading.checked(setting, |text| http_url(setting.name, text));
        let deployment = reading.checked(SIGPOST_DEPLOYMENT, |text| line(SIGPOST_DEPLOYMENT.name, text));
        let pagerduty_url = url(reading, PAGERDUTY_URL).unwrap_or_else(|| PAGERDUTY_URL.default_as());
        let runbook_url = reading.checked(RUNBOOK_URL, |text| line(RUNBOOK_URL.name, text));
        Some(Self {
            deployment: deployment.unwrap_or_else(|| SIGPOST_DEPLOYMENT.default_as()),
            rules: Rules::read(reading),
            expected: reading.checked(ALERT_EXPECT, expected).unwrap_or_default(),
            slack: url(reading, SLACK_WEBHOOK_URL),
            pagerduty: reading.text(PAGERDUTY_ROUTING_KEY).map(|key| (pagerduty_url, key)),
            email_to: reading.checked(ALERT_EMAIL_TO, addresses).unwrap_or_default(),
            runbook_url: runbook_url.unwrap_or_else(|| RUNBOOK_URL.default_as()),
        })
    }
}

fn addresses(list: &str) -> Result<Vec<String>> {
    let addresses = env::split(list);
    recipients::check("ALERT_EMAIL_TO", &addresses)?;
    Ok(addresses)
}

fn expected(list: &str) -> Result<BTreeMap<String, Duration>> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let read = |entry: &str| -> Result<(String, Duration)> {
        let (job_type, period) =
            entry.split_once('=').with_context(|| format!("ALERT_EXPECT: {entry:?} must be JOB_TYPE=PERIOD"))?;
        let period = parse_duration("ALERT_EXPECT", period.trim())?;
        ensure!(period >= Duration::from_secs(60), "ALERT_EXPECT: {job_type}: must be a minute or more");
        Ok((job_type.trim().to_owned(), period))
    };
    entries.map(read).collect()
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("rules", &self.rules).field("expected", &self.expected).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_by_job_type() {
        let read = expected("cleanup-old-data=25h, send-email = 1h").expect("periods");
        assert_eq!(read["cleanup-old-data"], Duration::from_secs(90_000));
        assert_eq!(read["send-email"], Duration::from_secs(3600));
        for (list, error) in [
            ("send-email", "ALERT_EXPECT: \"send-email\" must be JOB_TYPE=PERIOD"),
            ("send-email=1s", "ALERT_EXPECT: send-email: must be a minute or more"),
        ] {
            assert_eq!(expected(list).expect_err(list).to_string(), error);
        }
    }
}
