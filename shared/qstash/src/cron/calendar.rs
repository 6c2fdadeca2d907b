//! Which dates and times of day an expression names, as if clocks never changed.

use croner::parser::{CronParser, Seconds, Year};
use croner::{CronPattern, Weekday};
use jiff::civil::{Date, DateTime, Time, date};

/// The first day of a century with every combination of leap day and weekday: what does not fire
/// within [`MOST_YEARS`] from here never does.
pub(super) const SOME_DAY: DateTime = date(2001, 1, 1).at(0, 0, 0, 0);

/// How far a search goes. No date is further from its like than forty years, a 29 February on a
/// given weekday.
const MOST_YEARS: i16 = 100;

/// The matching dates and times. The days are croner's to decide; times of day are bit sets here,
/// for croner walks from one to the next.
#[derive(Clone)]
pub(super) struct Calendar {
    pub(super) days: CronPattern,
    pub(super) hours: u64,
    pub(super) minutes: u64,
    pub(super) seconds: u64,
    /// Whether it names times of day, rather than an interval by a `*` among them.
    pub(super) is_fixed: bool,
}

impl Calendar {
    /// Reads an expression without time zone; the error says what is wrong.
    pub(super) fn parse(expression: &str, seconds: bool) -> Result<Self, String> {
        if !expression.is_ascii() {
            return Err("it has characters that no expression has".to_owned());
        }
        // Lenient as QStash is: `0/10` is `0-59/10`.
        let parser = CronParser::builder()
            .seconds(if seconds { Seconds::Required } else { Seconds::Disallowed })
            .year(Year::Disallowed)
            .sloppy_ranges(true)
            .build();
        let pattern = parser.parse(expression).map_err(|error| error.to_string())?.pattern;
        let times = [&pattern.hours, &pattern.minutes, &pattern.seconds];
        let [hours, minutes, seconds] =
            times.map(|field| field.values().into_iter().fold(0, |set, value| set | 1 << value));
        let is_fixed = times.iter().all(|field| !field.from_wildcard);
        if hours == 0 || minutes == 0 || seconds == 0 {
            return Err("a field names no time".to_owned());
        }
        Ok(Self { days: pattern, hours, minutes, seconds, is_fixed })
    }

    /// The first match not before `from`, which is a whole second.
    pub(super) fn first_from(&self, from: DateTime) -> Option<DateTime> {
        if self.matches(from.date())
            && let Some(time) = self.time_from(from.time())
        {
            return Some(from.date().to_datetime(time));
        }
        let end = from.year().saturating_add(MOST_YEARS);
        let mut day = from.date();
        loop {
            let last = if self.matches_month(day) { day } else { day.last_of_month() };
            day = last.tomorrow().ok().filter(|day| day.year() <= end)?;
            if self.matches(day) {
                return self.time_from(Time::midnight()).map(|time| day.to_datetime(time));
            }
        }
    }

    /// The last match not after `until`.
    pub(super) fn last_until(&self, until: DateTime) -> Option<DateTime> {
        if self.matches(until.date())
            && let Some(time) = self.time_until(until.time())
        {
            return Some(until.date().to_datetime(time));
        }
        let end = until.year().saturating_sub(MOST_YEARS);
        let mut day = until.date();
        loop {
            let first = if self.matches_month(day) { day } else { day.first_of_month() };
            day = first.yesterday().ok().filter(|day| day.year() >= end)?;
            if self.matches(day) {
                return self.time_until(Time::MAX).map(|time| day.to_datetime(time));
            }
        }
    }

    fn matches_month(&self, day: Date) -> bool {
        self.days.month_match(day.month().unsigned_abs().into()).unwrap_or(false)
    }

    fn matches(&self, day: Date) -> bool {
        let weekday = Weekday::from_days_from_sunday(day.weekday().to_sunday_zero_offset().unsigned_abs().into());
        let (year, month, day_of_month) =
            (day.year().into(), day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
        self.matches_month(day) && self.days.day_match(year, month, day_of_month, weekday).unwrap_or(false)
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

/// The least number of the set that is not below `from`, at most 60.
fn first(set: u64, from: i8) -> Option<i8> {
    let rest = set >> from;
    (rest != 0).then(|| from + rest.trailing_zeros() as i8)
}

/// The greatest number of the set that is not above `until`, at least -1.
fn last(set: u64, until: i8) -> Option<i8> {
    let rest = set & ((1 << (until + 1)) - 1);
    rest.checked_ilog2().map(|number| number as i8)
}
