//! EventBridge Scheduler cron expressions, parsed and evaluated as AWS documents them. Stricter than AWS:
//! undocumented forms are rejected, so that expressions accepted here rely on documented behaviour only.
//!
//! Source: EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler", and the API reference of
//! `CreateSchedule` ("A cron expression consists of six fields", at most 256 characters). `W` at the end of a month
//! and `L` in a week follow Quartz, whose notation this is.

mod days;
mod field;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};

use days::{DayOfMonth, DayOfWeek};

const MAX_CHARACTERS: usize = 256;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// `cron(minutes hours day-of-month month day-of-week year)`.
#[derive(Debug)]
pub struct AwsCron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
    day_of_month: Option<DayOfMonth>,
    day_of_week: Option<DayOfWeek>,
}

impl AwsCron {
    /// Parses an expression with its `cron(...)`.
    ///
    /// # Errors
    ///
    /// Describes a form that AWS rejects or does not document.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CHARACTERS {
            return Err(format!("longer than {MAX_CHARACTERS} characters"));
        }
        let inner = text.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.ok_or_else(|| format!("{text:?} is not cron(...)"))?;
        let fields: Vec<&str> = inner.split(' ').collect();
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields[..] else {
            return Err(format!("{text:?} has not six fields, separated by one space"));
        };
        if (day_of_month == "?") == (day_of_week == "?") {
            return Err("one of day-of-month and day-of-week must be ?, and the other not".to_owned());
        }
        let months = field::parse("month", month, 1, 12, &MONTHS)?;
        Ok(Self {
            minutes: field::parse("minutes", minutes, 0, 59, &[])?,
            hours: field::parse("hours", hours, 0, 23, &[])?,
            day_of_month: DayOfMonth::parse(day_of_month, &months)?,
            day_of_week: DayOfWeek::parse(day_of_week)?,
            years: field::parse("year", year, 1970, 2199, &[])?,
            months,
        })
    }

    /// Returns the first invocation after a time, or `None` if there is none until the end of 2199.
    ///
    /// Clock changes are as documented: times in the skipped hour are skipped, and times in the repeated hour are
    /// invoked the first time only.
    pub fn next_after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        // Starts with the current local date: earlier times of this day are in the past, because only their first
        // occurrence counts.
        let mut day = zone.to_datetime(moment).date();
        let last_year = *self.years.last()?;
        while day.year() <= last_year {
            if self.matches(day)
                && let Some(found) = self.on(day, zone).find(|invocation| *invocation > moment)
            {
                return Some(found);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn matches(&self, day: Date) -> bool {
        self.years.contains(&day.year())
            && self.months.contains(&day.month().into())
            && self.day_of_month.as_ref().is_none_or(|days| days.matches(day))
            && self.day_of_week.as_ref().is_none_or(|days| days.matches(day))
    }

    /// Returns the invocations on a day, in order.
    fn on(&self, day: Date, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        let times = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
        times.filter_map(move |(hour, minute)| {
            let time = day.at(hour as i8, minute as i8, 0, 0);
            match zone.to_ambiguous_timestamp(time).offset() {
                AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                    offset.to_timestamp(time).ok()
                }
                AmbiguousOffset::Gap { .. } => None,
            }
        })
    }
}
