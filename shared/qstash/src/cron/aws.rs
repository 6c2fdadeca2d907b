//! The same schedule in the words of Amazon EventBridge Scheduler.
//!
//! Only what its User Guide shows is used ("Schedule types in EventBridge Scheduler"): plain
//! lists and ranges, and one `L`, `W` or `#` alone in its field. Steps, ranges over the end and
//! the like are written out, which is never longer than 256 characters, the limit of
//! `CreateSchedule`.

mod days;
mod list;
#[cfg(test)]
mod tests;
mod utc;

use super::Cron;
use crate::Invalid;

/// How many EventBridge schedules one cron may become.
pub const MOST_AWS_SCHEDULES: usize = 8;

/// As sets of hours and of seconds.
const EVERY_HOUR: u64 = (1 << 24) - 1;
const ON_THE_MINUTE: u64 = 1;

/// What one EventBridge schedule is created with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsSchedule {
    /// `ScheduleExpression`, `cron(0 9 ? * MON-FRI *)` for instance.
    pub expression: String,
    /// `ScheduleExpressionTimezone`, an IANA name.
    pub time_zone: String,
}

impl Cron {
    /// The EventBridge schedules that fire when this fires, always the same ones in the same
    /// order, at most [`MOST_AWS_SCHEDULES`].
    ///
    /// There are several where the day of month and the day of week are both given, for
    /// EventBridge takes only one of them, and where a field lists several of `L`, `W` and `#`. A
    /// moment that two of them name is one firing.
    ///
    /// They fire at the moments of [`next_after`](Self::next_after), except when clocks change: a
    /// time that does not exist "is skipped", and one that comes twice "runs only once" (User
    /// Guide, "Daylight savings time on EventBridge Scheduler"). That adds no firing, and takes
    /// away:
    ///
    /// - the one at the end of a gap for fixed times inside it, unless a time of the expression is
    ///   just there;
    /// - those of an interval (`*/5 1-3 * * *`) while the clock shows an hour for the second time.
    ///   An interval that knows neither hours nor days, `*/5 * * * *`, loses none: it goes to
    ///   EventBridge in UTC.
    ///
    /// # Errors
    ///
    /// What EventBridge cannot say; the error names `field`.
    pub fn to_aws(&self, field: &str) -> Result<Vec<AwsSchedule>, Invalid> {
        let invalid = |reason: &str| Invalid::new(field, format!("EventBridge Scheduler {reason}"));
        if self.calendar.seconds != ON_THE_MINUTE {
            return Err(invalid("fires on whole minutes: the second must be 0, other seconds need `sigpost serve`"));
        }
        let (minutes, time_zone) = match self.minutes_in_utc() {
            Some(minutes) => (minutes, "UTC"),
            None => (self.calendar.minutes, self.zone.iana_name().ok_or_else(|| invalid("needs an IANA time zone"))?),
        };
        let days = days::of(&self.calendar.days).map_err(|reason| invalid(&reason))?;
        if days.len() > MOST_AWS_SCHEDULES {
            let reason = format!(
                "takes one L, W or # per schedule: this needs {} schedules, at most {MOST_AWS_SCHEDULES} are made",
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

    /// The minutes by UTC, if this is an interval that knows neither hours nor days.
    fn minutes_in_utc(&self) -> Option<u64> {
        let calendar = &self.calendar;
        let is_hourly = !calendar.is_fixed && calendar.hours == EVERY_HOUR && days::is_every_day(&calendar.days);
        is_hourly.then(|| utc::minutes(calendar.minutes, &self.zone)).flatten()
    }
}
