//! The two day fields.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};

use super::field::{self, parse_number};

/// 1 is Sunday.
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

#[derive(Debug)]
pub(super) enum DayOfMonth {
    Any(BTreeSet<i16>),
    /// `L`
    Last,
    /// `15W`
    NearestWeekday(i16),
}

impl DayOfMonth {
    /// Parses the field; `None` is `?`.
    pub(super) fn parse(text: &str, months: &BTreeSet<i16>) -> Result<Option<Self>, String> {
        if let Some(day) = text.strip_suffix('W') {
            let day = parse_number(day).filter(|day| (1..=31).contains(day));
            let day = day.ok_or_else(|| format!("day-of-month: {text:?} has no day"))?;
            // `31W` is undocumented for months with 30 days.
            let has_day = |month: &i16| day <= shortest(*month);
            if !months.iter().all(has_day) {
                return Err(format!("day-of-month: {text:?} with a month that may have no such day is undocumented"));
            }
            return Ok(Some(Self::NearestWeekday(day)));
        }
        Ok(match text {
            "?" => None,
            "L" => Some(Self::Last),
            _ => Some(Self::Any(field::parse("day-of-month", text, 1, 31, &[])?)),
        })
    }

    pub(super) fn matches(&self, day: Date) -> bool {
        match self {
            Self::Any(days) => days.contains(&day.day().into()),
            Self::Last => day == day.last_of_month(),
            Self::NearestWeekday(wanted) => {
                let wanted = day.first_of_month().saturating_add(jiff::Span::new().days(*wanted - 1));
                let moved = match wanted.weekday() {
                    Weekday::Saturday if wanted.day() == 1 => 2,
                    Weekday::Saturday => -1,
                    Weekday::Sunday if wanted == wanted.last_of_month() => -2,
                    Weekday::Sunday => 1,
                    _ => 0,
                };
                day == wanted.saturating_add(jiff::Span::new().days(moved))
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum DayOfWeek {
    Any(BTreeSet<i16>),
    /// `6L`, the last Friday of the month.
    Last(i16),
    /// `3#2`, the second Tuesday of the month.
    Nth(i16, i16),
}

impl DayOfWeek {
    /// Parses the field; `None` is `?`.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        let weekday = |day: &str| {
            let day = parse_number(day).filter(|day| (1..=7).contains(day));
            day.ok_or_else(|| format!("day-of-week: {text:?} has no day in 1-7"))
        };
        if let Some((day, nth)) = text.split_once('#') {
            let nth = parse_number(nth).filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| format!("day-of-week: {text:?} is not one expression with a number in 1-5"))?;
            return Ok(Some(Self::Nth(weekday(day)?, nth)));
        }
        Ok(match text {
            "?" => None,
            // The last day of the week.
            "L" => Some(Self::Any(BTreeSet::from([7]))),
            _ if text.contains('/') => return Err("day-of-week: takes no increment".to_owned()),
            _ => Some(match text.strip_suffix('L') {
                Some(day) => Self::Last(weekday(day)?),
                None => Self::Any(field::parse("day-of-week", text, 1, 7, &WEEKDAYS)?),
            }),
        })
    }

    pub(super) fn matches(&self, day: Date) -> bool {
        let weekday: i16 = day.weekday().to_sunday_one_offset().into();
        match self {
            Self::Any(days) => days.contains(&weekday),
            Self::Last(wanted) => weekday == *wanted && day.day() + 7 > day.days_in_month(),
            Self::Nth(wanted, nth) => weekday == *wanted && (day.day() - 1) / 7 + 1 == *nth as i8,
        }
    }
}

/// Returns the days that a month has in every year.
fn shortest(month: i16) -> i16 {
    match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
