use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::retry_after;

fn wait(headers: &[(&'static str, &str)]) -> Option<Duration> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    // Fri, 22 Aug 2025 10:00:00 GMT
    retry_after(&map, Timestamp::from_second(1_755_856_800).unwrap())
}

fn wait_of(value: &str) -> Option<Duration> {
    wait(&[("retry-after", value)])
}

#[test]
fn every_documented_form_is_read() {
    for (value, seconds) in [
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("86400", 86_400.0),
        ("Fri, 22 Aug 2025 10:01:00 GMT", 60.0),
        ("Fri, 22 Aug 2025 09:59:00 GMT", 0.0),
        ("6m5s", 365.0),
        ("20ms", 0.02),
        ("24h", 86_400.0),
        ("Friday, 22-Aug-25 10:01:00 GMT", 60.0),
        ("Fri Aug 22 10:01:00 2025", 60.0),
    ] {
        assert_eq!(wait(&[("retry-after", value)]), Some(Duration::from_secs_f64(seconds)), "{value}");
    }
}

#[test]
fn weekday_of_a_date_is_ignored() {
    for rest in [", 22 Aug 2025 10:01:00 GMT", " Aug 22 10:01:00 2025"] {
        for weekday in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Xyz"] {
            let value = format!("{weekday}{rest}");
            assert_eq!(wait_of(&value), Some(Duration::from_secs(60)), "{value}");
        }
    }
    for weekday in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] {
        let value = format!("{weekday}, 22-Aug-25 10:01:00 GMT");
        assert_eq!(wait_of(&value), Some(Duration::from_secs(60)), "{value}");
    }
    assert_eq!(wait_of("Sun, 27 Jun 2024 12:16:24 GMT"), Some(Duration::ZERO));
}

#[test]
fn waits_above_a_day_are_cut_to_a_day() {
    for value in [
        "86401",
        "86400.1",
        "1755856860",
        "99999999999999999999999999999999999999999999999999",
        "25h",
        "Sun, 24 Aug 2025 10:00:00 GMT",
        "Sun, 24 Aug 9999 10:00:00 GMT",
    ] {
        assert_eq!(wait_of(value), Some(Duration::from_secs(86_400)), "{value}");
    }
}

#[test]
fn unreadable_waits_are_ignored() {
    for value in [
        "",
        "soon",
        "-5",
        "+5",
        "inf",
        "nan",
        "1e3",
        ".",
        "1d",
        "é",
        "Sun, 32 Aug 2025 10:00:00 GMT",
        ", 22 Aug 2025 10:01:00 GMT",
        "Sun, ",
    ] {
        assert_eq!(wait(&[("retry-after", value)]), None, "{value}");
    }
    assert_eq!(wait(&[]), None);
}

#[test]
fn the_first_usable_header_of_the_family_decides() {
    let family = [
        ("x-ratelimit-reset-tokens", "4"),
        ("x-ratelimit-reset-requests", "3"),
        ("x-ratelimit-reset", "2"),
        ("retry-after", "1"),
    ];
    for used in 1..=4 {
        assert_eq!(wait(&family[..used]), Some(Duration::from_secs(5 - used as u64)));
    }
    assert_eq!(wait(&[("retry-after", "soon"), ("x-ratelimit-reset", "9")]), Some(Duration::from_secs(9)));
}

#[test]
fn a_rate_limit_reset_may_be_a_date_in_unix_seconds() {
    for (value, seconds) in [
        ("1755856860", 60),
        ("1755856860.0", 60),
        ("1755856000", 0),
        ("1756000000", 86_400), // more than a day away
    ] {
        for name in ["x-ratelimit-reset", "x-ratelimit-reset-requests"] {
            assert_eq!(wait(&[(name, value)]), Some(Duration::from_secs(seconds)), "{name}: {value}");
        }
    }
}
