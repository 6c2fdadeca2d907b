//! When a destination says it wants to be called again.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use jiff::Timestamp;

use crate::duration::parse_go_duration;

/// The family, in the order it is asked. QStash's docs list them without a precedence; the
/// standard one first is what a destination that sends several would expect.
const HEADERS: [&str; 4] =
    ["retry-after", "x-ratelimit-reset", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];

/// A longer wait is ignored (QStash docs, "Retry").
const MAX_WAIT: Duration = Duration::from_secs(86_400);

/// From here on a bare number in a `X-RateLimit-Reset*` header is a date in unix seconds: many
/// APIs send one there, and as a wait it would be 31 years. Never so for `Retry-After`, whose
/// number is a wait by RFC 9110.
const EPOCH_FROM: f64 = 1e9;

/// The wait the response asks for, at most a day; zero means at once. `None` when it asks for
/// nothing that can be honoured.
///
/// A value may be seconds (decimals allowed), an HTTP date or a Go duration such as `6m5s`. A date
/// in the past is zero. A header that is unreadable or asks for more than a day is passed over and
/// the next of the family asked.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    HEADERS.iter().find_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?.trim_ascii();
        let wait = wait(value, *name != "retry-after", now)?;
        (wait <= MAX_WAIT).then_some(wait)
    })
}

fn wait(value: &str, may_be_epoch: bool, now: Timestamp) -> Option<Duration> {
    if let Some(seconds) = plain_number(value) {
        return if may_be_epoch && seconds > EPOCH_FROM {
            let now_seconds = now.as_millisecond() as f64 / 1000.0;
            Duration::try_from_secs_f64((seconds - now_seconds).max(0.0)).ok()
        } else {
            Duration::try_from_secs_f64(seconds).ok()
        };
    }
    if let Ok(date) = httpdate::parse_http_date(value) {
        return Some(date.duration_since(SystemTime::from(now)).unwrap_or(Duration::ZERO));
    }
    parse_go_duration(value)
}

/// A number of digits with at most a decimal point; `f64::from_str` alone would take `inf`.
fn plain_number(text: &str) -> Option<f64> {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
