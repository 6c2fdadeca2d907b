//! When a destination says it wants to be called again.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use jiff::Timestamp;

use crate::duration::parse_go_duration;

/// The family, in the order it is asked. QStash's docs list them without a precedence; the
/// standard one first is what a destination that sends several would expect.
const HEADERS: [&str; 4] =
    ["retry-after", "x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];

/// A longer wait is cut to this: a destination that asks for a week is asked again after a day.
const MAX_WAIT: Duration = Duration::from_secs(86_400);

/// From here on a bare number in a `X-RateLimit-Reset*` header is a date in unix seconds: many
/// APIs send one there, and as a wait it would be 31 years. Never so for `Retry-After`, whose
/// number is a wait by RFC 9110.
const EPOCH_FROM: f64 = 1e9;

/// Names of weekdays, of which an HTTP date has the first three letters or all.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the wait that the response asks for, at most a day; zero means at once. `None` when it asks for
/// nothing that can be read.
///
/// A value may be seconds (decimals allowed), an HTTP date or a Go duration such as `6m5s`. A date
/// in the past is zero. A header that is unreadable is passed over and the next of the family is read.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    HEADERS.iter().find_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?.trim_ascii();
        let wait = wait(value, *name != "retry-after", now)?;
        Some(wait.min(MAX_WAIT))
    })
}

fn wait(value: &str, may_be_epoch: bool, now: Timestamp) -> Option<Duration> {
    if let Some(seconds) = plain_number(value) {
        let is_epoch = may_be_epoch && seconds > EPOCH_FROM;
        let now_seconds = if is_epoch { now.as_millisecond() as f64 / 1000.0 } else { 0.0 };
        // Cut here already: a number of fifty digits is no `Duration`.
        return Duration::try_from_secs_f64((seconds - now_seconds).clamp(0.0, MAX_WAIT.as_secs_f64())).ok();
    }
    if let Some(date) = http_date(value) {
        return Some(date.duration_since(SystemTime::from(now)).unwrap_or(Duration::ZERO));
    }
    parse_go_duration(value)
}

/// Reads the three forms of RFC 9110 section 5.6.7. The weekday follows from the date, so that a wrong one does not
/// matter; the parser rejects it and therefore gets each weekday in turn.
fn http_date(value: &str) -> Option<SystemTime> {
    let end = value.find(|c: char| !c.is_ascii_alphabetic()).filter(|end| *end > 0)?;
    let rest = &value[end..];
    WEEKDAYS.iter().find_map(|day| {
        // `Sunday, 06-Nov-94` has the whole name, the other two forms have its beginning.
        let day = if rest.contains('-') { day } else { &day[..3] };
        httpdate::parse_http_date(&format!("{day}{rest}")).ok()
    })
}

/// A number of digits with at most a decimal point; `f64::from_str` alone would take `inf`.
fn plain_number(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
