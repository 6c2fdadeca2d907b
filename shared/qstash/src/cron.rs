//! Cron expressions.

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

/// A cron expression and its time zone, which is UTC without `CRON_TZ=<IANA name>` in front (QStash docs,
/// "Schedules").
///
/// Five fields: minute, hour, day of month, month, day of week; in a schedule of seconds a field for the second comes
/// first. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` replace a whole expression. Expressions are
/// case-insensitive.
///
/// | field | values | items of its list |
/// |---|---|---|
/// | second, minute | 0 to 59 | `5`, `1-10`, `*/15`, `5-20/5`, `10/15` (from 10 on) |
/// | hour | 0 to 23 | the same |
/// | day of month | 1 to 31 | the same, `L` (the last day), `15W` (the weekday nearest to the 15th), `LW` |
/// | month | 1 to 12, `JAN` to `DEC` | as minute |
/// | day of week | 0 to 7, `SUN` to `SAT`; 0 and 7 are Sunday | as minute, `FRI#2` (the second of the month), `FRIL` (the last) |
///
/// A field is such a list or `*`; in a day field `?` means the same as `*`. A range must ascend, and a step is at
/// most the size of its range. A day matches if either day field matches, unless one of them is `*`; with `+` in
/// front of the day of week both must match.
///
/// Clock changes follow the rules of cron itself. A skipped time of day fires at the first moment after the gap, and
/// a repeated one fires the first time: a daily job runs once a day. With `*` as hour, minute or second, such as
/// `*/5`, the schedule follows the clock: no firing in the gap, and firings in both passes of the repeated hour.
#[derive(Clone)]
pub struct Cron {
    text: String,
    zone: TimeZone,
    calendar: Calendar,
}

impl Cron {
    /// Parses an expression of five fields.
    ///
    /// # Errors
    ///
    /// The expression is invalid, never fires (`0 0 31 2 *`), has an unknown time zone, or is longer than
    /// [`MAX_BYTES`]; the error names `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        Self::read(field, text, false)
    }

    /// Parses an expression of six fields, seconds first.
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
            return Err(Invalid::too_long(field, MAX_BYTES, text.len()));
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
                return Err(Invalid::got(field, format!("must have 6 fields ({names})"), text));
            }
            _ => {
                let expected = "must have 5 fields (minute, hour, day of month, month, day of week)";
                return Err(Invalid::got(field, expected, text));
            }
        };
        let zone = match zone {
            Some(name) => {
                find_zone(name).ok_or_else(|| invalid(format!("unknown time zone {name:?}, expected an IANA name")))?
            }
            None => TimeZone::UTC,
        };
        let calendar = Calendar::parse(fields).map_err(invalid)?;
        if calendar.first_from(calendar::SOME_DAY).is_none() {
            return Err(Invalid::got(field, "never fires, since there is no such date", text));
        }
        Ok(Self { text: text.to_owned(), zone, calendar })
    }

    /// Returns the expression with its time zone, as given but trimmed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the first firing after a moment. `None` only at the end of the calendar.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        clock::next_after(&self.calendar, &self.zone, moment)
    }

    /// Returns the last firing after `after` and not after `until`. Its cost does not depend on the length of the
    /// interval.
    pub fn latest_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        clock::latest_between(&self.calendar, &self.zone, after, until)
    }

    /// Returns the first `most` firings after `after` and not after `until`, in order. For further ones, call it
    /// again with the last.
    pub fn all_between(&self, after: Timestamp, until: Timestamp, most: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |moment| self.next_after(*moment))
            .take_while(|moment| *moment <= until)
            .take(most)
            .collect()
    }
}

/// Returns the name of the time zone, if any, and the rest.
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

/// Returns the expansion of an abbreviation, seconds first.
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

/// Finds a zone of the IANA database. Other texts are not looked up, since the database may consist of files.
fn find_zone(name: &str) -> Option<TimeZone> {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    is_name.then(|| TimeZone::get(name).ok()).flatten()
}

impl FromStr for Cron {
    type Err = Invalid;

    /// Parses five or six fields, for expressions that were validated and stored before.
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
