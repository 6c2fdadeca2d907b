//! Durations in headers (`1d10h30m`) and Go's notation in responses (`6m5s`).

use std::time::Duration;

use crate::Invalid;

/// The maximum duration: a thousand years of 365 days. With it, the sum of a current date and a duration has a year
/// up to 9999; [`Limits`](crate::Limits) restricts callers further.
pub const MAX_DURATION: Duration = Duration::from_secs(1000 * 365 * DAY);

const DAY: u64 = 86_400;
const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The units of a header duration, longest first: the required order.
const UNITS: [(&str, u128); 4] = [
    ("d", DAY as u128 * NANOS_PER_SECOND),
    ("h", 3600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
];

/// Go's units. Both spellings of micro: the micro sign and the Greek letter.
const GO_UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3600 * NANOS_PER_SECOND),
];

/// Parses a header duration: one or more of `<number><unit>` with the units `d h m s` in descending order, each at
/// most once (QStash OpenAPI, `Upstash-Delay`).
///
/// A number may have decimals, because the JavaScript SDK writes `1.5s`. A bare number is seconds. The result is
/// truncated to whole milliseconds.
///
/// # Errors
///
/// Any other text, or more than [`MAX_DURATION`]; the error names `field`.
pub fn parse_duration(field: &str, text: &str) -> Result<Duration, Invalid> {
    let form = "must be a duration such as 50s, 10m or 1d10h30m (units d, h, m, s in this order)";
    let malformed = || Invalid::got(field, form, text);
    let too_long = || Invalid::got(field, "must not be longer than 1000 years", text);

    let text = text.trim_ascii();
    let mut rest = text;
    let mut nanos = 0;
    let mut allowed_units = &UNITS[..];
    while !rest.is_empty() {
        let (number, after_number) = number(rest).ok_or_else(malformed)?;
        let unit_end = after_number.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(unit_end);
        let unit_nanos = if unit.is_empty() && number.len() == text.len() {
            NANOS_PER_SECOND
        } else {
            let position = allowed_units.iter().position(|(name, _)| *name == unit).ok_or_else(malformed)?;
            let (_, unit_nanos) = allowed_units[position];
            allowed_units = &allowed_units[position + 1..];
            unit_nanos
        };
        nanos += scale(number, unit_nanos).ok_or_else(too_long)?;
        rest = after_unit;
    }
    if text.is_empty() {
        return Err(malformed());
    }
    let millis = u64::try_from(nanos / 1_000_000).map_err(|_| too_long())?;
    let duration = Duration::from_millis(millis);
    if duration > MAX_DURATION {
        return Err(too_long());
    }
    Ok(duration)
}

/// Parses a duration in Go's notation, as `Retry-After` and similar headers may contain it (QStash docs, "Retry"):
/// units `ns us µs ms s m h` in any order, decimals allowed, `0` alone.
///
/// `None` for any other text, for negative durations and for those longer than [`MAX_DURATION`].
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (number, after_number) = number(rest)?;
        let unit_end = after_number.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after_number.len());
        let (unit, after_unit) = after_number.split_at(unit_end);
        let (_, unit_nanos) = GO_UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos = nanos.checked_add(scale(number, *unit_nanos)?)?;
        rest = after_unit;
    }
    if text.is_empty() || nanos > MAX_DURATION.as_nanos() {
        return None;
    }
    Some(Duration::new(u64::try_from(nanos / NANOS_PER_SECOND).ok()?, u32::try_from(nanos % NANOS_PER_SECOND).ok()?))
}

/// Splits a leading number: digits, or digits with a decimal point, at least one digit.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let points = number.bytes().filter(|byte| *byte == b'.').count();
    (points <= 1 && number.len() > points).then_some((number, rest))
}

/// Returns `number` times `unit`, exact to the nanosecond. `None` if the integer part overflows.
fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = u128::from(whole) * unit;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        if place == 0 {
            break;
        }
        nanos += u128::from(digit - b'0') * place;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{MAX_DURATION, parse_duration, parse_go_duration};

    #[test]
    fn header_durations_are_read() {
        for (text, millis) in [
            ("50s", 50_000),
            ("1h30m3s", 5_403_000),
            ("1d10h30m", 124_200_000),
            ("3d5h12m", 277_920_000),
            ("0s", 0),
            ("0", 0),
            ("30", 30_000),
            ("1.5s", 1_500),
            ("1.5", 1_500),
            ("0.0019s", 1),
            ("90m", 5_400_000),
            ("007s", 7_000),
            (" 5s ", 5_000),
            ("365000d", 31_536_000_000_000),
        ] {
            assert_eq!(parse_duration("f", text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn malformed_header_durations_are_rejected_by_name() {
        for text in [
            "", " ", "s", "-5s", "+5s", "5x", "5S", "5ms", "1m1h", "1h1h", "5s5", "1 h", "1h 5m", "1..5s", ".", "1e3s",
            "5,5s", "٣s", "1d5",
        ] {
            let error = parse_duration("Upstash-Delay", text).unwrap_err();
            assert!(error.to_string().starts_with("Upstash-Delay: must be a duration"), "{text}: {error}");
        }
    }

    #[test]
    fn absurd_header_durations_are_rejected() {
        for text in [
            "365001d",
            "365000d1s",
            "18446744073709551615d",
            "18446744073709551615d18446744073709551615h18446744073709551615m18446744073709551615s",
            "99999999999999999999999999999999999999999",
        ] {
            let error = parse_duration("Upstash-Delay", text).unwrap_err();
            assert!(
                error.to_string().starts_with("Upstash-Delay: must not be longer than 1000 years, got \""),
                "{error}"
            );
        }
    }

    #[test]
    fn the_longest_duration_still_leads_to_a_date() {
        let this_age: Timestamp = "2999-12-31T23:59:59Z".parse().unwrap();
        assert!(this_age.checked_add(MAX_DURATION).unwrap().checked_add(MAX_DURATION).is_ok());
    }

    #[test]
    fn go_durations_are_read() {
        for (text, nanos) in [
            ("6m5s", 365_000_000_000),
            ("0", 0),
            ("1h", 3_600_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("20ms", 20_000_000),
            ("1us2µs3μs4ns", 6_004),
            ("5s1h5s", 3_610_000_000_000),
        ] {
            assert_eq!(parse_go_duration(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "5", "-5s", "s", "1d", "5 s", "1h1", "999999999h", "99999999999999999999s"] {
            assert_eq!(parse_go_duration(text), None, "{text}");
        }
    }
}
