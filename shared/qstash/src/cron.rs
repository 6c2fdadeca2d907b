//! When a schedule fires.

mod aws;
mod calendar;
mod clock;
mod days;
mod field;
#[cfg(test)]
mod grammar_tests;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Invalid;
pub use aws::{AwsSchedule, MOST_AWS_SCHEDULES};
use calendar::Calendar;

/// The longest expression in bytes, with its time zone.
pub const MAX_BYTES: usize = 256;

/// A cron expression and its time zone, UTC unless it begins with `CRON_TZ=<IANA name>` (QStash
/// docs, "Schedules").
///
/// Five fields: minute, hour, day of month, month, day of week; in a schedule of seconds a field
/// for the second stands first. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` stand for
/// whole expressions. Case does not matter.
///
/// | field | values | items of its list |
/// |---|---|---|
/// | second, minute | 0 to 59 | `5`, `1-10`, `*/15`, `5-20/5`, `10/15` (from 10 on) |
/// | hour | 0 to 23 | the same |
/// | day of month | 1 to 31 | the same, `L` (the last day), `15W` (the weekday nearest to the 15th), `LW` |
/// | month | 1 to 12, `JAN` to `DEC` | as minute |
/// | day of week | 0 to 7, `SUN` to `SAT`; 0 and 7 are Sunday | as minute, `FRI#2` (the second of the month), `FRIL` (the last) |
///
/// A field is such a list or `*`, a day field also `?`, which means the same. A range does not run
/// backwards, and a step is no larger than what it steps through. A day matches when either day
/// field does, unless one of them is `*`; with `+` in front of the day of week it has to match both.
///
/// When clocks change, the rule is that of cron itself. A time of day that is skipped fires at the
/// first moment after the gap, and one that comes twice fires the first time: a daily job runs
/// once a day. With `*` as hour, minute or second, `*/5` for instance, it follows the clock as it
/// runs: nothing in the gap, and the repeated hour like any other.
#[derive(Clone)]
pub struct Cron {
    text: String,
    zone: TimeZone,
    calendar: Calendar,
}

impl Cron {
    /// Reads an expression of five fields.
    ///
    /// # Errors
    ///
    /// Not such an expression, one that never fires (`0 0 31 2 *`), an unknown time zone, or more
    /// than [`MAX_BYTES`]; the error names `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        Self::read(field, text, false)
    }

    /// Reads an expression of six fields, seconds first.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_with_seconds(field: &str, text: &str) -> Result<Self, Invalid> {
        Self::read(field, text, true)
    }

    fn read(field: &str, text: &str, has_seconds: bool) -> Result<Self, Invalid> {
        let invalid = |reason: String| Invalid::new(field, reason);
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("must not be longer than {MAX_BYTES} bytes")));
        }
        let (zone, expression) = split_zone(text);
        let expression = expression.to_ascii_uppercase();
        let fields: Vec<&str> = match abbreviated(&expression) {
            Some(whole) => whole.split(' ').skip(usize::from(!has_seconds)).collect(),
            None => expression.split_whitespace().collect(),
        };
        let fields = match fields[..] {
            [second, minute, hour, day, month, weekday] if has_seconds => [second, minute, hour, day, month, weekday],
            [minute, hour, day, month, weekday] if !has_seconds => ["0", minute, hour, day, month, weekday],
            _ if has_seconds => {
                let names = "second, minute, hour, day of month, month, day of week";
                return Err(invalid(format!("must have 6 fields: {names}")));
            }
            _ => return Err(invalid("must have 5 fields: minute, hour, day of month, month, day of week".to_owned())),
        };
        let zone = match zone {
            Some(name) => {
                find_zone(name).ok_or_else(|| invalid(format!("there is no time zone {name:?}, use an IANA name")))?
            }
            None => TimeZone::UTC,
        };
        let calendar = Calendar::parse(fields).map_err(invalid)?;
        if calendar.first_from(calendar::SOME_DAY).is_none() {
            return Err(invalid("never fires, there is no such date".to_owned()));
        }
        Ok(Self { text: text.to_owned(), zone, calendar })
    }

    /// The expression with its time zone, as it was given but for spaces around it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first firing after a moment. `None` only at the end of all dates.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        clock::next_after(&self.calendar, &self.zone, moment)
    }

    /// The last firing after `after` and not after `until`. Takes no longer over a year than over
    /// a minute.
    pub fn latest_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        clock::latest_between(&self.calendar, &self.zone, after, until)
    }

    /// The first `most` firings after `after` and not after `until`, in order. To have more of
    /// them, ask again after the last.
    pub fn all_between(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |moment| self.next_after(*moment))
            .take_while(|moment| *moment <= until)
            .take(most)
            .collect()
    }
}

/// The time zone's name, if there is one, and the rest.
fn split_zone(text: &str) -> (Option<&str>, &str) {
    let rest = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ="));
    match rest {
        Some(rest) => {
            let (name, expression) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            (Some(name), expression.trim_start())
        }
        None => (None, text),
    }
}

/// What an abbreviation stands for, seconds first.
fn abbreviated(expression: &str) -> Option<&'static str> {
    match expression {
        "@HOURLY" => Some("0 0 * * * *"),
        "@DAILY" => Some("0 0 0 * * *"),
        "@WEEKLY" => Some("0 0 0 * * SUN"),
        "@MONTHLY" => Some("0 0 0 1 * *"),
        "@YEARLY" | "@ANNUALLY" => Some("0 0 0 1 1 *"),
        _ => None,
    }
}

/// A zone of the IANA database; what is no name is not looked up, for the database may be files.
fn find_zone(name: &str) -> Option<TimeZone> {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    is_name.then(|| TimeZone::get(name).ok()).flatten()
}

impl FromStr for Cron {
    type Err = Invalid;

    /// Five fields or six: for what was read and stored before.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse("cron", text).or_else(|error| Self::parse_with_seconds("cron", text).map_err(|_| error))
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({:?})", self.text)
    }
}
