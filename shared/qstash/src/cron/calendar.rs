//! The dates and times of day of an expression, without clock changes.

use jiff::civil::{DateTime, Time, date};

use super::days::Days;
use super::field::{HOUR, MINUTE, SECOND};

/// The first day of a century with every combination of leap day and weekday: an expression without a firing within
/// [`MOST_YEARS`] from here never fires.
pub(super) const SOME_DAY: DateTime = date(2001, 1, 1).at(0, 0, 0, 0);

/// The limit of a search in years. The longest distance between equal dates is forty years, for a 29 February on a
/// given weekday.
const MOST_YEARS: i16 = 100;

/// The matching dates and times of day, the latter as bit sets.
#[derive(Clone)]
pub(super) struct Calendar {
    pub(super) days: Days,
    pub(super) hours: u64,
    pub(super) minutes: u64,
    pub(super) seconds: u64,
    /// Whether the expression has fixed times of day, and not an interval by a `*` among them.
    pub(super) is_fixed: bool,
}

impl Calendar {
    /// Parses the fields, seconds first; the error names the field and its allowed form.
    pub(super) fn parse(fields: [&str; 6]) -> Result<Self, String> {
        let [second, minute, hour, day_of_month, month, day_of_week] = fields;
        let (seconds, minutes, hours) = (SECOND.numbers(second)?, MINUTE.numbers(minute)?, HOUR.numbers(hour)?);
        Ok(Self {
            days: Days::parse(day_of_month, month, day_of_week)?,
            hours: hours.set,
            minutes: minutes.set,
            seconds: seconds.set,
            is_fixed: !(seconds.is_interval || minutes.is_interval || hours.is_interval),
        })
    }

    /// Returns the first match not before `from`, which is a whole second.
    pub(super) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        if self.days.matches(from.date())
            && let Some(time) = self.time_from(from.time())
        {
            return Some(from.date().to_datetime(time));
        }
        let end = from.year().saturating_add(MOST_YEARS);
        let mut day = from.date();
        loop {
            let last = if self.days.has_month_of(day) { day } else { day.last_of_month() };
            day = last.tomorrow().ok().filter(|day| day.year() <= end)?;
            if self.days.matches(day) {
                return self.time_from(Time::midnight()).map(|time| day.to_datetime(time));
            }
        }
    }

    /// Returns the last match not after `until`.
    pub(super) fn last_until(&self, until: DateTime) -> Option<DateTime> {
        if self.days.matches(until.date())
            && let Some(time) = self.time_until(until.time())
        {
            return Some(until.date().to_datetime(time));
        }
        let end = until.year().saturating_sub(MOST_YEARS);
        let mut day = until.date();
        loop {
            let first = if self.days.has_month_of(day) { day } else { day.first_of_month() };
            day = first.yesterday().ok().filter(|day| day.year() >= end)?;
            if self.days.matches(day) {
                return self.time_until(Time::MAX).map(|time| day.to_datetime(time));
            }
        }
    }

    fn time_from(&self, time: Time) -> Option<Time> {
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        if first(self.hours, hour) == Some(hour) {
            if first(self.minutes, minute) == Some(minute)
                && let Some(second) = first(self.seconds, second)
            {
                return at(hour, minute, second);
            }
            if let Some(minute) = first(self.minutes, minute + 1) {
                return at(hour, minute, first(self.seconds, 0)?);
            }
        }
        at(first(self.hours, hour + 1)?, first(self.minutes, 0)?, first(self.seconds, 0)?)
    }

    fn time_until(&self, time: Time) -> Option<Time> {
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        if last(self.hours, hour) == Some(hour) {
            if last(self.minutes, minute) == Some(minute)
                && let Some(second) = last(self.seconds, second)
            {
                return at(hour, minute, second);
            }
            if let Some(minute) = last(self.minutes, minute - 1) {
                return at(hour, minute, last(self.seconds, 59)?);
            }
        }
        at(last(self.hours, hour - 1)?, last(self.minutes, 59)?, last(self.seconds, 59)?)
    }
}

fn at(hour: i8, minute: i8, second: i8) -> Option<Time> {
    Time::new(hour, minute, second, 0).ok()
}

/// Returns the least number of the set that is not below `from`, at most 60.
fn first(set: u64, from: i8) -> Option<i8> {
    let rest = set >> from;
    (rest != 0).then(|| from + rest.trailing_zeros() as i8)
}

/// Returns the greatest number of the set that is not above `until`, at least -1.
fn last(set: u64, until: i8) -> Option<i8> {
    let rest = set & ((1 << (until + 1)) - 1);
    rest.checked_ilog2().map(|number| number as i8)
}
