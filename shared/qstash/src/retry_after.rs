//! Delays that a destination requests.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use jiff::Timestamp;

use crate::duration::parse_go_duration;

/// The headers in their order of precedence. QStash's docs list them without one; a destination that sends several
/// most likely expects the standard header to come first.
const HEADERS: [&str; 4] =
    ["retry-after", "x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];

/// The maximum delay: a destination that requests a week gets the next attempt after a day.
const MAX_WAIT: Duration = Duration::from_secs(86_400);

/// From this value on, a bare number in an `X-RateLimit-Reset*` header is a time in unix seconds: many APIs send one,
/// and as a delay it would be 31 years. This does not apply to `Retry-After`, whose number is a delay by RFC 9110.
const EPOCH_FROM: f64 = 1e9;

/// Names of weekdays; an HTTP date has the full name or its first three letters.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Returns the delay that the response requests, at most a day; zero means immediately. `None` without a valid
/// request.
///
/// A value may be seconds (decimals allowed), an HTTP date or a Go duration such as `6m5s`. A date in the past is
/// zero. An invalid header is skipped, and the next one is read.
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
        // Clamped before the conversion, since a number of fifty digits is not a valid `Duration`.
        return Duration::try_from_secs_f64((seconds - now_seconds).clamp(0.0, MAX_WAIT.as_secs_f64())).ok();
    }
    if let Some(date) = http_date(value) {
        return Some(date.duration_since(SystemTime::from(now)).unwrap_or(Duration::ZERO));
    }
    parse_go_duration(value)
}

/// Parses the three forms of RFC 9110 section 5.6.7. The weekday follows from the date, so a wrong one is accepted;
/// since the parser rejects it, every weekday is tried.
fn http_date(value: &str) -> Option<SystemTime> {
    let end = value.find(|c: char| !c.is_ascii_alphabetic()).filter(|end| *end > 0)?;
    let rest = &value[end..];
    WEEKDAYS.iter().find_map(|day| {
        // `Sunday, 06-Nov-94` has the full name, the other two forms have an abbreviation.
        let day = if rest.contains('-') { day } else { &day[..3] };
        httpdate::parse_http_date(&format!("{day}{rest}")).ok()
    })
}

/// Parses digits with at most one decimal point; `f64::from_str` alone would accept `inf`.
fn plain_number(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
