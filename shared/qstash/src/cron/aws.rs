//! Conversion to the expressions of Amazon EventBridge Scheduler.
//!
//! It uses only the documented syntax (User Guide, "Schedule types in EventBridge Scheduler"): plain lists and
//! ranges, and one `L`, `W` or `#` alone in its field. Steps, ranges over the end and the like are expanded, which
//! never exceeds 256 characters, the limit of `CreateSchedule`.

mod days;
mod list;
#[cfg(test)]
mod tests;
mod utc;

use super::Cron;
use crate::Invalid;

/// Maximum of EventBridge schedules for one cron expression.
pub const MOST_AWS_SCHEDULES: usize = 8;

/// Sets of hours and of seconds.
const EVERY_HOUR: u64 = (1 << 24) - 1;
const ON_THE_MINUTE: u64 = 1;

/// The fields of one EventBridge schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSchedule {
    /// `ScheduleExpression`, `cron(0 9 ? * MON-FRI *)` for instance.
    pub expression: String,
    /// `ScheduleExpressionTimezone`, an IANA name.
    pub time_zone: String,
}

impl Cron {
    /// Returns the EventBridge schedules that fire at the same moments, always in the same order, at most
    /// [`MOST_AWS_SCHEDULES`].
    ///
    /// There are several if both the day of month and the day of week are given, since EventBridge accepts only one
    /// of them, and if a field lists several of `L`, `W` and `#`. A moment in two of them is one firing.
    ///
    /// They fire at the moments of [`next_after`](Self::next_after), except at clock changes: a time that does not
    /// exist "is skipped", and a repeated one "runs only once" (User Guide, "Daylight savings time on EventBridge
    /// Scheduler"). This adds no firing, and removes:
    ///
    /// - the one at the end of a gap for fixed times inside it, unless the expression fires at exactly that moment;
    /// - those of an interval (`*/5 1-3 * * *`) in the second pass of a repeated hour. An interval without hours and
    ///   days, `*/5 * * * *`, loses none: it is created in EventBridge in UTC.
    ///
    /// # Errors
    ///
    /// EventBridge cannot express the schedule; the error names `field`.
    pub fn to_aws(&self, field: &str) -> Result<Vec<AwsSchedule>, Invalid> {
        let invalid = |reason: &str| Invalid::new(field, format!("EventBridge Scheduler {reason}"));
        if self.calendar.seconds != ON_THE_MINUTE {
            return Err(invalid("fires on whole minutes: the second must be 0; other seconds require `sigpost serve`"));
        }
        let (minutes, time_zone) = match self.minutes_in_utc() {
            Some(minutes) => (minutes, "UTC"),
            None => {
                (self.calendar.minutes, self.zone.iana_name().ok_or_else(|| invalid("requires an IANA time zone"))?)
            }
        };
        let days = days::of(&self.calendar.days).map_err(|reason| invalid(&reason))?;
        if days.len() > MOST_AWS_SCHEDULES {
            let reason = format!(
                "supports one L, W or # per schedule: this expression needs {} schedules, the maximum is {MOST_AWS_SCHEDULES}",
                days.len()
            );
            return Err(invalid(&reason));
        }
        let (minutes, hours) = (list::numbers(minutes, 0, 59), list::numbers(self.calendar.hours, 0, 23));
        let schedule = |days| AwsSchedule {
            expression: format!("cron({minutes} {hours} {days} *)"),
            time_zone: time_zone.to_owned(),
        };
        Ok(days.into_iter().map(schedule).collect())
    }

    /// Returns the minutes in UTC if this is an interval without hours and days.
    fn minutes_in_utc(&self) -> Option<u64> {
        let calendar = &self.calendar;
        let is_hourly = !calendar.is_fixed && calendar.hours == EVERY_HOUR && days::is_every_day(&calendar.days);
        is_hourly.then(|| utc::minutes(calendar.minutes, &self.zone)).flatten()
    }
}
