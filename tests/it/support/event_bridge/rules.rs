//! Validation as in AWS's API reference of `CreateSchedule`: patterns and bounds.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tests::aws_cron::AwsCron;

/// A schedule as it is sent and shown. Fields that these tests do not use are rejected as unknown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Body {
    #[serde(skip_serializing)]
    pub(super) client_token: Option<String>,
    #[serde(default)]
    pub(super) group_name: String,
    #[serde(default)]
    pub(super) description: String,
    pub(super) schedule_expression: String,
    #[serde(default = "utc")]
    pub(super) schedule_expression_timezone: String,
    #[serde(default = "enabled")]
    pub(super) state: String,
    pub(super) flexible_time_window: Window,
    pub(super) target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Window {
    mode: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    pub(super) arn: String,
    role_arn: String,
    pub(super) input: String,
    #[serde(default)]
    retry_policy: RetryPolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter_config: Option<DeadLetterConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct RetryPolicy {
    maximum_event_age_in_seconds: u32,
    maximum_retry_attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { maximum_event_age_in_seconds: 86_400, maximum_retry_attempts: 185 }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeadLetterConfig {
    arn: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn enabled() -> String {
    "ENABLED".to_owned()
}

/// Returns the text of AWS's `ValidationException`, if the schedule is invalid.
pub(super) fn check(name: &str, body: &Body) -> Result<(), String> {
    check_name("name", name)?;
    check_name("groupName", &body.group_name)?;
    let token = body.client_token.as_deref().ok_or("clientToken: the SDK always sends one")?;
    ensure(is_made_of(token, 64, "-_"), format!("clientToken: {token:?}"))?;
    ensure(body.description.chars().count() <= 512, "description: too long")?;
    AwsCron::parse(&body.schedule_expression).map_err(|why| format!("scheduleExpression: {why}"))?;
    let zone = &body.schedule_expression_timezone;
    ensure((1..=50).contains(&zone.len()) && TimeZone::get(zone).is_ok(), "scheduleExpressionTimezone: unknown")?;
    ensure(["ENABLED", "DISABLED"].contains(&body.state.as_str()), "state: unknown")?;
    // A flexible window has a length, which is rejected above as unknown.
    ensure(body.flexible_time_window.mode == "OFF", "flexibleTimeWindow: no length")?;

    let target = &body.target;
    ensure(is_arn(&target.arn, "lambda", "function:"), "target.arn: no function")?;
    ensure(is_arn(&target.role_arn, "iam", "role/"), "target.roleArn: no role")?;
    // "If you are using a Lambda function as target, the input must be well-formed JSON."
    ensure(serde_json::from_str::<serde_json::Value>(&target.input).is_ok(), "target.input: no JSON")?;
    let RetryPolicy { maximum_event_age_in_seconds: age_s, maximum_retry_attempts: attempts } = target.retry_policy;
    ensure((60..=86_400).contains(&age_s) && attempts <= 185, "target.retryPolicy: out of bounds")?;
    let queue = target.dead_letter_config.as_ref();
    ensure(queue.is_none_or(|queue| is_arn(&queue.arn, "sqs", "")), "target.deadLetterConfig: no queue")
}

pub(super) fn check_name(field: &str, name: &str) -> Result<(), String> {
    ensure(is_made_of(name, 64, "-_."), format!("{field}: {name:?}"))
}

fn is_made_of(text: &str, most: usize, others: &str) -> bool {
    (1..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Whether a text has the form `arn:aws:<service>:<region>:<account>:<what><name>`. ARNs of roles have no region.
fn is_arn(text: &str, service: &str, what: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", "aws", of, region, account, resource] = parts[..] else { return false };
    of == service
        && (region.is_empty() == (service == "iam"))
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix(what).is_some_and(|name| is_made_of(name, 80, "-_."))
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}
