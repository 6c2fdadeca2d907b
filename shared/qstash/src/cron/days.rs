//! The days of an expression: day of month, month and day of week.

use jiff::civil::Date;

use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, MONTH, digits};

/// The days on which an expression fires.
#[derive(Clone)]
pub(super) struct Days {
    pub(super) months: u64,
    /// `None` is `*` or `?`.
    pub(super) of_month: Option<DaysOfMonth>,
    /// `None` is `*` or `?`.
    pub(super) of_week: Option<DaysOfWeek>,
    /// Whether both day fields must match (`+` in front of the day of week), not just one of them.
    pub(super) both: bool,
}

/// A day of month that is not `*`.
#[derive(Clone, Default)]
pub(super) struct DaysOfMonth {
    pub(super) plain: u64,
    /// `L`
    pub(super) last: bool,
    /// `LW`
    pub(super) last_workday: bool,
    /// `15W`
    pub(super) nearest_workday: u64,
}

/// A day of week that is not `*`; 0 is Sunday.
#[derive(Clone, Default)]
pub(super) struct DaysOfWeek {
    pub(super) plain: u64,
    /// `5#2`, at the index 1.
    pub(super) nth: [u64; 5],
    /// `5L`
    pub(super) last: u64,
}

impl Days {
    /// Parses the three fields.
    pub(super) fn parse(day_of_month: &str, month: &str, day_of_week: &str) -> Result<Self, String> {
        let (both, weekdays) = match day_of_week.strip_prefix('+') {
            Some(weekdays) => (true, weekdays),
            None => (false, day_of_week),
        };
        let is_any = |text: &str| text == "*" || text == "?";
        let of_month =
            (!is_any(day_of_month)).then(|| DAY_OF_MONTH.explained(day_of_month, || DaysOfMonth::parse(day_of_month)));
        let months = MONTH.numbers(month)?.set;
        let of_week =
            (!is_any(day_of_week)).then(|| DAY_OF_WEEK.explained(day_of_week, || DaysOfWeek::parse(weekdays)));
        Ok(Self { months, of_month: of_month.transpose()?, of_week: of_week.transpose()?, both })
    }

    /// Returns whether the month of a day matches.
    pub(super) fn has_month_of(&self, day: Date) -> bool {
        has(self.months, day.month())
    }

    /// Returns whether a day matches.
    pub(super) fn matches(&self, day: Date) -> bool {
        let of_month = self.of_month.as_ref().map(|days| days.matches(day));
        let of_week = self.of_week.as_ref().map(|days| days.matches(day));
        self.has_month_of(day)
            && match (of_month, of_week) {
                (Some(of_month), Some(of_week)) if self.both => of_month && of_week,
                (Some(of_month), Some(of_week)) => of_month || of_week,
                (Some(matches), None) | (None, Some(matches)) => matches,
                (None, None) => true,
            }
    }
}

impl DaysOfMonth {
    fn parse(text: &str) -> Result<Self, String> {
        let mut days = Self::default();
        for item in text.split(',') {
            match item.strip_suffix('W') {
                Some("L") => days.last_workday = true,
                Some(day) => days.nearest_workday |= 1 << DAY_OF_MONTH.number(day)?,
                None if item == "L" => days.last = true,
                None => days.plain |= DAY_OF_MONTH.item(item)?,
            }
        }
        Ok(days)
    }

    fn matches(&self, day: Date) -> bool {
        let last = day.last_of_month();
        let nearest = || (1..=last.day()).filter(|number| has(self.nearest_workday, *number));
        has(self.plain, day.day())
            || self.last && day == last
            || self.last_workday && day.day() == nearest_workday(last)
            || self.nearest_workday != 0 && nearest().any(|number| day.day() == nearest_workday(on(day, number)))
    }
}

impl DaysOfWeek {
    fn parse(text: &str) -> Result<Self, String> {
        let field: &Field = &DAY_OF_WEEK;
        let mut days = Self::default();
        for item in text.split(',') {
            if item == "L" {
                return Err("L requires a weekday".to_owned());
            } else if let Some(day) = item.strip_suffix('L') {
                days.last |= week(1 << field.number(day)?);
            } else if let Some((day, nth)) = item.split_once('#') {
                let index = digits(nth).and_then(|nth| usize::from(nth).checked_sub(1));
                let nth = index.and_then(|index| days.nth.get_mut(index));
                *nth.ok_or_else(|| format!("{item:?} must end with #1 to #5"))? |= week(1 << field.number(day)?);
            } else {
                days.plain |= week(field.item(item)?);
            }
        }
        Ok(days)
    }

    fn matches(&self, day: Date) -> bool {
        let weekday = day.weekday().to_sunday_zero_offset();
        let nth = self.nth.get(usize::from((day.day() - 1).unsigned_abs() / 7));
        has(self.plain, weekday)
            || nth.is_some_and(|weekdays| has(*weekdays, weekday))
            || has(self.last, weekday) && day.day() + 7 > day.days_in_month()
    }
}

/// Returns a day of the same month.
fn on(day: Date, number: i8) -> Date {
    day.first_of_month().saturating_add(jiff::Span::new().days(number - 1))
}

/// Returns the number of the nearest day from Monday to Friday in the same month.
fn nearest_workday(day: Date) -> i8 {
    match day.weekday() {
        jiff::civil::Weekday::Saturday if day.day() == 1 => 3,
        jiff::civil::Weekday::Saturday => day.day() - 1,
        jiff::civil::Weekday::Sunday if day == day.last_of_month() => day.day() - 2,
        jiff::civil::Weekday::Sunday => day.day() + 1,
        _ => day.day(),
    }
}

/// Returns the days of the week with Sunday as 0 where it was 7.
fn week(set: u64) -> u64 {
    (set | set >> 7) & 0b111_1111
}

fn has(set: u64, number: i8) -> bool {
    set >> number & 1 == 1
}
