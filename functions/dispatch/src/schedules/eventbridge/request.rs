//! Computes the copies of a schedule in EventBridge Scheduler from the row and the settings. Pure functions.
//!
//! Every field that affects invocations is set, even if AWS has a default, so that copies can be compared.

use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use serde::Serialize;
use sigpost_qstash::{AwsSchedule, CatchUp, Cron, Invalid};
use sigpost_store::mirrors::Original;

use super::{EventBridge, name};

/// AWS replaces this with the time of the firing in RFC 3339 and UTC (User Guide, "Context attributes").
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// The maximum of AWS: a day and 185 retries (API reference, `RetryPolicy`), for schedules that catch up.
const CAUGHT_UP: (i32, i32) = (86_400, 185);
/// The minimum age of AWS is a minute, for schedules that do not catch up: later firings would be skipped.
const NOT_CAUGHT_UP: (i32, i32) = (60, 185);

/// One copy of a schedule. A cron expression may need several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Copy {
    pub(super) name: String,
    /// The complete ID, for readers of the AWS console.
    pub(super) description: String,
    pub(super) expression: String,
    pub(super) time_zone: String,
    pub(super) state: ScheduleState,
    pub(super) target: Target,
    pub(super) window: FlexibleTimeWindow,
    /// Makes a repeated creation idempotent.
    pub(super) creation_token: String,
}

/// The payload of an invocation.
#[derive(Serialize)]
struct Firing<'a> {
    sigpost: &'static str,
    schedule: &'a str,
    time: &'static str,
}

/// Returns the copies of a schedule in the order of their numbers.
///
/// # Errors
///
/// EventBridge Scheduler does not support the cron expression, which was stored for another driver.
pub(super) fn copies(of: &Original, settings: &EventBridge) -> Result<Vec<Copy>, Invalid> {
    let expressions = of.cron.parse::<Cron>()?.to_aws("cron")?;
    let state = if of.paused { ScheduleState::Disabled } else { ScheduleState::Enabled };
    let incomplete = |error: BuildError| Invalid::new("cron", error.to_string());
    let target = target(of, settings).map_err(incomplete)?;
    let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(incomplete)?;
    let copy = |(index, AwsSchedule { expression, time_zone })| {
        let name = name::name(&of.id, index + 1);
        Copy {
            creation_token: creation_token(of, &name, &expression, &time_zone),
            name,
            description: of.id.clone(),
            expression,
            time_zone,
            state: state.clone(),
            target: target.clone(),
            window: window.clone(),
        }
    };
    Ok(expressions.into_iter().enumerate().map(copy).collect())
}

fn target(of: &Original, settings: &EventBridge) -> Result<Target, BuildError> {
    let (max_age_s, max_retries) = match of.catch_up {
        CatchUp::None => NOT_CAUGHT_UP,
        CatchUp::Last | CatchUp::All => CAUGHT_UP,
    };
    let input = Firing { sigpost: "firing", schedule: &of.id, time: SCHEDULED_TIME };
    let dead_letters = settings.dead_letter_arn.as_ref();
    Target::builder()
        .arn(&settings.target_arn)
        .role_arn(&settings.role_arn)
        // Serializing strings cannot fail.
        .input(serde_json::to_string(&input).unwrap_or_default())
        .retry_policy(
            RetryPolicy::builder().maximum_event_age_in_seconds(max_age_s).maximum_retry_attempts(max_retries).build(),
        )
        .set_dead_letter_config(dead_letters.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
        .build()
}

/// Returns the idempotency token of a creation. It includes the mark, so that creating a copy again after an external
/// deletion has another token: for the same token AWS would return its earlier success.
fn creation_token(of: &Original, name: &str, expression: &str, time_zone: &str) -> String {
    let marked = of.mirrored_at.map(|at| at.as_nanosecond());
    name::hash(&format!("{name}\n{}\n{}\n{marked:?}\n{expression}\n{time_zone}", of.version, of.paused))
}

impl Copy {
    /// Whether the copy in AWS is identical. Any added field, such as an end date, is a difference.
    pub(super) fn is(&self, held: &GetScheduleOutput) -> bool {
        let Self { name, description, expression, time_zone, state, target, window, creation_token: _ } = self;
        held.name() == Some(name)
            && held.description() == Some(description)
            && held.schedule_expression() == Some(expression)
            && held.schedule_expression_timezone() == Some(time_zone)
            && held.state() == Some(state)
            && held.target() == Some(target)
            && held.flexible_time_window() == Some(window)
            && held.start_date().is_none()
            && held.end_date().is_none()
    }
}
