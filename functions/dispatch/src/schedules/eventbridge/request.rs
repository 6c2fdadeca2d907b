//! What EventBridge Scheduler should hold of a schedule. Pure: from the row and the settings.
//!
//! Every field that decides about invocations is given, also where AWS has a default: then what it
//! holds can be compared with what it should.

use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{
    DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use serde::Serialize;
use sigpost_qstash::{AwsSchedule, CatchUp, Cron, Invalid};
use sigpost_store::mirrors::Original;

use super::{EventBridge, name};

/// AWS puts the time of the firing in its place, in RFC 3339 and UTC (User Guide, "Context attributes").
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// AWS's most: a day, and 185 retries (API reference, `RetryPolicy`). What is late is caught up.
const CAUGHT_UP: (i32, i32) = (86_400, 185);
/// AWS's least age is a minute. What is late is not caught up, and would be refused here.
const NOT_CAUGHT_UP: (i32, i32) = (60, 185);

/// One copy of a schedule. A cron expression may need several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Copy {
    pub(super) name: String,
    /// The whole id, for those who read the console.
    pub(super) description: String,
    pub(super) expression: String,
    pub(super) time_zone: String,
    pub(super) state: ScheduleState,
    pub(super) target: Target,
    pub(super) window: FlexibleTimeWindow,
    /// Makes a creation that is sent again the same creation.
    pub(super) creation_token: String,
}

/// What the target is invoked with.
#[derive(Serialize)]
struct Firing<'a> {
    sigpost: &'static str,
    schedule: &'a str,
    time: &'static str,
}

/// The copies of a schedule, in the order of their numbers.
///
/// # Errors
///
/// Its expression is one that EventBridge Scheduler cannot have; it was stored for another driver.
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
        // Texts: nothing in them can fail to serialise.
        .input(serde_json::to_string(&input).unwrap_or_default())
        .retry_policy(
            RetryPolicy::builder().maximum_event_age_in_seconds(max_age_s).maximum_retry_attempts(max_retries).build(),
        )
        .set_dead_letter_config(dead_letters.map(|arn| DeadLetterConfig::builder().arn(arn).build()))
        .build()
}

/// The same for the same creation only. With the mark, one that is needed again after somebody has
/// deleted the copy is another creation: AWS would answer the same one with its earlier success.
fn creation_token(of: &Original, name: &str, expression: &str, time_zone: &str) -> String {
    let marked = of.mirrored_at.map(|at| at.as_nanosecond());
    name::hash(&format!("{name}\n{}\n{}\n{marked:?}\n{expression}\n{time_zone}", of.version, of.paused))
}

impl Copy {
    /// Whether this is what AWS holds. An end or a key that somebody has given to it is another one.
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
