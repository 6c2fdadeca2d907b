//! Settings of alerts.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Admin, CheckJobHealth, Cli, Serve};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 7] =
    [ALERT_RULES, ALERT_EXPECT, SLACK_WEBHOOK_URL, PAGERDUTY_ROUTING_KEY, PAGERDUTY_URL, ALERT_EMAIL_TO, RUNBOOK_URL];

pub const ALERT_RULES: Setting = Setting {
    name: "ALERT_RULES",
    meaning: "Thresholds of the health checks.",
    programs: &[Serve, Admin, CheckJobHealth, Cli],
    form: "`RULE=WARNING[:CRITICAL]` or `RULE=off`, separated by commas",
    ..OPTIONAL
};

pub const ALERT_EXPECT: Setting = Setting {
    name: "ALERT_EXPECT",
    meaning: "Maximum time between two completions of a job type.",
    programs: &[CheckJobHealth],
    form: "`JOB_TYPE=PERIOD`, separated by commas, each period at least a minute",
    ..OPTIONAL
};

pub const SLACK_WEBHOOK_URL: Setting = Setting {
    name: "SLACK_WEBHOOK_URL",
    meaning: "Incoming webhook of Slack.",
    programs: &[CheckJobHealth],
    form: "an http or https URL",
    is_secret: true,
    ..OPTIONAL
};

pub const PAGERDUTY_ROUTING_KEY: Setting = Setting {
    name: "PAGERDUTY_ROUTING_KEY",
    meaning: "Key of an integration of PagerDuty.",
    programs: &[CheckJobHealth],
    form: "any text",
    is_secret: true,
    ..OPTIONAL
};

pub const PAGERDUTY_URL: Setting = Setting {
    name: "PAGERDUTY_URL",
    meaning: "URL of PagerDuty's Events API.",
    programs: &[CheckJobHealth],
    default: Some("https://events.pagerduty.com/v2/enqueue"),
    form: "an http or https URL",
    ..OPTIONAL
};

pub const ALERT_EMAIL_TO: Setting = Setting {
    name: "ALERT_EMAIL_TO",
    meaning: "Recipients of alerts.",
    programs: &[CheckJobHealth],
    form: "up to 50 addresses, separated by commas",
    ..OPTIONAL
};

pub const RUNBOOK_URL: Setting = Setting {
    name: "RUNBOOK_URL",
    meaning: "Beginning of links to the runbook; the name of the rule is appended.",
    programs: &[CheckJobHealth],
    default: Some("docs/src/guides/troubleshooting.md#"),
    form: "one line",
    ..OPTIONAL
};
