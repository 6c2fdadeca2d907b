//! Who is told, and of what.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sigpost_qstash::parse_duration;
use sigpost_runtime::env;
use url::Url;

use crate::Rules;

/// PagerDuty's Events API v2, unless `PAGERDUTY_URL` says otherwise.
pub const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// What the name of an alert's section is appended to, unless `RUNBOOK_URL` says otherwise.
pub const RUNBOOK_URL: &str = "docs/operations.md#";

/// The settings of the function. `Debug` shows no secret.
#[derive(Clone, Default)]
pub struct Config {
    /// `SIGPOST_DEPLOYMENT`: what alerts call this deployment. Default `sigpost`.
    pub deployment: String,
    /// `ALERT_RULES`: what the deployment wants to be told of. See [`Rules::parse`].
    pub rules: Rules,
    /// `ALERT_EXPECT`: how often which job types should complete, e.g. `cleanup-old-data=25h`.
    pub expected: BTreeMap<String, Duration>,
    /// `SLACK_WEBHOOK_URL`: an incoming webhook. A secret.
    pub slack: Option<Url>,
    /// `PAGERDUTY_ROUTING_KEY`: the key of an integration. A secret. With the URL of the API, which is
    /// `PAGERDUTY_URL` (default: PagerDuty's own).
    pub pagerduty: Option<(Url, String)>,
    /// `ALERT_EMAIL_TO`: addresses, separated by commas.
    pub email_to: Vec<String>,
    /// `RUNBOOK_URL`: what the name of an alert's section is appended to. Default `docs/operations.md#`.
    pub runbook_url: String,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The first variable that is malformed, by its name.
    pub fn from_env() -> Result<Self> {
        let pagerduty_url = env::parsed("PAGERDUTY_URL", PAGERDUTY_URL.parse::<Url>()?)?;
        let url = |name: &str| -> Result<Option<Url>> {
            env::var(name)?.map(|text| text.parse().with_context(|| format!("{name}: must be a URL"))).transpose()
        };
        Ok(Self {
            deployment: env::var("SIGPOST_DEPLOYMENT")?.unwrap_or_else(|| "sigpost".to_owned()),
            rules: Rules::parse(&env::var("ALERT_RULES")?.unwrap_or_default())?,
            expected: expected(&env::var("ALERT_EXPECT")?.unwrap_or_default())?,
            slack: url("SLACK_WEBHOOK_URL")?,
            pagerduty: env::var("PAGERDUTY_ROUTING_KEY")?.map(|key| (pagerduty_url, key)),
            email_to: env::list("ALERT_EMAIL_TO")?,
            runbook_url: env::var("RUNBOOK_URL")?.unwrap_or_else(|| RUNBOOK_URL.to_owned()),
        })
    }
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
