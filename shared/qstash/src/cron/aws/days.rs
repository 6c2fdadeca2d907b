//! The three day fields, for each schedule that is needed.

use std::fmt;

use super::super::days::{self as cron, DaysOfMonth, DaysOfWeek};
use super::list;

/// Sets of months.
const FEBRUARY: u64 = 1 << 2;
const SHORT_MONTHS: u64 = FEBRUARY | 1 << 4 | 1 << 6 | 1 << 9 | 1 << 11;

/// The weekdays, from Sunday, which is 0 in cron and 1 in EventBridge.
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The fields day-of-month, month and day-of-week of one schedule.
pub(super) struct Days {
    day_of_month: String,
    months: String,
    day_of_week: String,
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.day_of_month, self.months, self.day_of_week)
    }
}

/// Returns whether an expression matches every day, by `*`.
pub(super) fn is_every_day(days: &cron::Days) -> bool {
    days.of_month.is_none() && days.of_week.is_none() && list::numbers(days.months, 1, 12) == "*"
}

/// Returns field sets whose union matches; the error says what EventBridge cannot express.
pub(super) fn of(days: &cron::Days) -> Result<Vec<Days>, String> {
    let months = days.months;
    let on_weekday =
        |day_of_week| Days { day_of_month: "?".to_owned(), months: list::numbers(months, 1, 12), day_of_week };
    let on_day = |(day_of_month, months)| Days {
        day_of_month,
        months: list::numbers(months, 1, 12),
        day_of_week: "?".to_owned(),
    };
    Ok(match (&days.of_month, &days.of_week) {
        (Some(_), Some(_)) if days.both => {
            return Err("cannot require both the day of month and the day of week (+)".to_owned());
        }
        (None, None) => vec![on_day(("*".to_owned(), months))],
        (of_month, of_week) => {
            let of_month = of_month.as_ref().map(|days| days_of_month(days, months)).transpose()?;
            let of_week = of_week.as_ref().map(days_of_week);
            let of_month = of_month.into_iter().flatten().map(on_day);
            of_month.chain(of_week.into_iter().flatten().map(on_weekday)).collect()
        }
    })
}

/// Returns the days of the month with the months in which they apply.
fn days_of_month(days: &DaysOfMonth, months: u64) -> Result<Vec<(String, u64)>, String> {
    let mut all = Vec::new();
    // 31 February beside a weekday would be a schedule that never fires.
    if days.plain.trailing_zeros() <= longest(months) {
        all.push((list::numbers(days.plain, 1, 31), months));
    }
    if days.last_workday {
        return Err("does not document LW, the last weekday of the month".to_owned());
    }
    if days.last {
        all.push(("L".to_owned(), months));
    }
    for day in (1..=31).filter(|day| days.nearest_workday >> day & 1 == 1) {
        // EventBridge does not document a month without the day.
        let months = match day {
            ..29 => months,
            29 if months & FEBRUARY != 0 => {
                return Err("does not document 29W in a February of 28 days".to_owned());
            }
            29 | 30 => months & !FEBRUARY,
            _ => months & !SHORT_MONTHS,
        };
        if months != 0 {
            all.push((format!("{day}W"), months));
        }
    }
    Ok(all)
}

/// Returns the days of the week.
fn days_of_week(days: &DaysOfWeek) -> Vec<String> {
    let name = |day: u16| WEEKDAYS[usize::from(day)].to_owned();
    let numbers = |set: u64| (0..7).filter(move |day| set >> day & 1 == 1).map(|day| day + 1);
    let mut all = Vec::new();
    if days.plain != 0 {
        all.push(list::spelled(days.plain, 0, 6, name));
    }
    for (nth, set) in (1..).zip(days.nth) {
        all.extend(numbers(set).map(|day| format!("{day}#{nth}")));
    }
    all.extend(numbers(days.last).map(|day| format!("{day}L")));
    all
}

/// Returns the length of the longest month of a set.
fn longest(months: u64) -> u32 {
    match months {
        FEBRUARY => 29,
        _ if months & !SHORT_MONTHS == 0 => 30,
        _ => 31,
    }
}
