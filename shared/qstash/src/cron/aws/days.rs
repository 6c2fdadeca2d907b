//! The three fields that say which days, once for each schedule that is needed.

use std::fmt;

use croner::{CronComponent, CronPattern};

use super::list;

/// How croner marks what a field says of a number, which it does not export; a change of these
/// would fail the tests of every `L`, `W` and `#`.
const PLAIN: u8 = 1;
const NTH: [(u16, u8); 5] = [(1, 1 << 1), (2, 1 << 2), (3, 1 << 3), (4, 1 << 4), (5, 1 << 5)];
const LAST: u8 = 1 << 6;
const NEAREST_WEEKDAY: u8 = 1 << 7;

/// As sets of months.
const FEBRUARY: u64 = 1 << 2;
const SHORT_MONTHS: u64 = FEBRUARY | 1 << 4 | 1 << 6 | 1 << 9 | 1 << 11;

/// From Sunday, which is 0 to croner and 1 to EventBridge.
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

/// Whether a pattern names every day there is, by `*`.
pub(super) fn is_every_day(pattern: &CronPattern) -> bool {
    pattern.is_dom_wildcard() && pattern.is_dow_wildcard() && pattern.months.count_set_values(PLAIN) == 12
}

/// What matches when one of them matches; the error says what EventBridge cannot say.
pub(super) fn of(pattern: &CronPattern) -> Result<Vec<Days>, String> {
    let of_month = !pattern.is_dom_wildcard();
    let of_week = !pattern.is_dow_wildcard();
    if of_month && of_week && pattern.matches_dom_and_dow() {
        return Err("cannot match the day of month and the day of week at once (+)".to_owned());
    }
    let months = set(&pattern.months, PLAIN);
    let mut all = Vec::new();
    if of_month || !of_week {
        for (day_of_month, months) in days_of_month(&pattern.days, months)? {
            all.push(Days { day_of_month, months: list::numbers(months, 1, 12), day_of_week: "?".to_owned() });
        }
    }
    if of_week {
        for day_of_week in days_of_week(&pattern.days_of_week) {
            all.push(Days { day_of_month: "?".to_owned(), months: list::numbers(months, 1, 12), day_of_week });
        }
    }
    Ok(all)
}

/// The days of the month with the months they are for.
fn days_of_month(days: &CronComponent, months: u64) -> Result<Vec<(String, u64)>, String> {
    let mut all = Vec::new();
    let plain = set(days, PLAIN);
    // 31 February beside a weekday would be a schedule that never fires.
    if plain.trailing_zeros() <= longest(months) {
        all.push((list::numbers(plain, 1, 31), months));
    }
    if days.is_feature_enabled(LAST | NEAREST_WEEKDAY) {
        return Err("does not document LW, the last weekday of the month".to_owned());
    }
    if days.is_feature_enabled(LAST) {
        all.push(("L".to_owned(), months));
    }
    for day in days.get_set_values(NEAREST_WEEKDAY) {
        // What EventBridge does in a month without the day is not documented.
        let months = match day {
            ..29 => months,
            29 if months & FEBRUARY != 0 => {
                return Err("does not say what 29W is in a February of 28 days".to_owned());
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

/// The days of the week.
fn days_of_week(days: &CronComponent) -> Vec<String> {
    let name = |day: u16| WEEKDAYS[usize::from(day)].to_owned();
    let mut all = Vec::new();
    let plain = set(days, PLAIN);
    if plain != 0 {
        all.push(list::spelled(plain, 0, 6, name));
    }
    for (nth, bit) in NTH {
        all.extend(days.get_set_values(bit).into_iter().map(|day| format!("{}#{nth}", day + 1)));
    }
    all.extend(days.get_set_values(LAST).into_iter().map(|day| format!("{}L", day + 1)));
    all
}

/// The length of the longest month of a set.
fn longest(months: u64) -> u32 {
    match months {
        FEBRUARY => 29,
        _ if months & !SHORT_MONTHS == 0 => 30,
        _ => 31,
    }
}

fn set(field: &CronComponent, bit: u8) -> u64 {
    field.get_set_values(bit).into_iter().fold(0, |set, number| set | 1 << number)
}
