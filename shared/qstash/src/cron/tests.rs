use jiff::Timestamp;

use super::Cron;

fn cron(text: &str) -> Cron {
    Cron::parse("f", text).or_else(|_| Cron::parse_with_seconds("f", text)).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the first firings after a moment, and checks that the backward search over each interval agrees.
fn firings(text: &str, after: &str, count: usize) -> Vec<String> {
    let (cron, after) = (cron(text), time(after));
    let all = cron.all_between(after, Timestamp::MAX, count);
    let mut previous = after;
    for firing in &all {
        let just_before = *firing - jiff::SignedDuration::from_millis(1);
        assert_eq!(cron.latest_between(after, *firing), Some(*firing), "{text} until {firing}");
        assert_eq!(cron.latest_between(previous, just_before), None, "{text} before {firing}");
        assert_eq!(cron.latest_between(after, just_before).unwrap_or(after), previous, "{text} before {firing}");
        previous = *firing;
    }
    all.into_iter().map(|firing| firing.to_string()).collect()
}

#[test]
fn expressions_fire_when_they_say() {
    for (text, after, expected) in [
        ("* * * * *", "2026-01-01T00:00:00Z", &["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"][..]),
        ("*/10 * * * *", "2025-12-31T23:49:59.5Z", &["2025-12-31T23:50:00Z", "2026-01-01T00:00:00Z"]),
        ("0/20 * * * *", "2026-01-01T00:00:00Z", &["2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z"]),
        ("1 1 1 1 1", "2026-01-01T01:01:00Z", &["2026-01-05T01:01:00Z", "2026-01-12T01:01:00Z"]),
        ("0 9 * * MON-FRI", "2026-01-02T09:00:00Z", &["2026-01-05T09:00:00Z", "2026-01-06T09:00:00Z"]),
        ("0 0 L * *", "2026-01-31T00:00:00Z", &["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]),
        ("0 0 29 2 *", "2096-03-01T00:00:00Z", &["2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"]),
        ("0 0 * * 5#2", "2026-01-01T00:00:00Z", &["2026-01-09T00:00:00Z", "2026-02-13T00:00:00Z"]),
        ("0 0 15W * *", "2026-02-01T00:00:00Z", &["2026-02-16T00:00:00Z", "2026-03-16T00:00:00Z"]),
        ("@daily", "2026-01-01T00:00:00Z", &["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]),
        ("*/15 * * * * *", "2026-01-01T00:00:44.999Z", &["2026-01-01T00:00:45Z", "2026-01-01T00:01:00Z"]),
        ("30 0 12 * * ?", "2026-01-01T12:00:30Z", &["2026-01-02T12:00:30Z", "2026-01-03T12:00:30Z"]),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "2026-01-01T00:00:00Z", &["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]),
        ("TZ=America/New_York  0 4 * * *", "2026-01-01T08:00:00Z", &["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]),
    ] {
        assert_eq!(firings(text, after, expected.len()), expected, "{text}");
    }
}

/// Berlin: 02:00 becomes 03:00 on 2026-03-29 at 01:00Z.
#[test]
fn a_time_that_the_clock_skips_fires_once_after_the_gap() {
    let after = "2026-03-28T12:00:00Z";
    for (text, expected) in [
        ("30 2 * * *", &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"][..]),
        ("0,10,50 2 * * *", &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:10:00Z"]),
        ("30 2,14 29 * *", &["2026-03-29T01:00:00Z", "2026-03-29T12:30:00Z", "2026-04-29T00:30:00Z"]),
        ("0 3 * * *", &["2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"]),
        ("30 1 * * *", &["2026-03-29T00:30:00Z", "2026-03-29T23:30:00Z"]),
        (
            "*/30 0-4 * * *",
            &[
                "2026-03-28T23:00:00Z",
                "2026-03-28T23:30:00Z",
                "2026-03-29T00:00:00Z",
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:30:00Z",
            ],
        ),
        ("*/30 2 * * *", &["2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"]),
    ] {
        assert_eq!(firings(&format!("CRON_TZ=Europe/Berlin {text}"), after, expected.len()), expected, "{text}");
    }
}

/// Berlin: 03:00 becomes 02:00 on 2026-10-25 at 01:00Z.
#[test]
fn repeated_clock_time_fires_once_but_an_interval_continues() {
    let after = "2026-10-24T23:10:00Z";
    for (text, expected) in [
        ("30 2 * * *", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"][..]),
        ("0,30 2,14 * * *", &["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T13:00:00Z"]),
        ("0 3 * * *", &["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]),
        (
            "*/30 * * * *",
            &[
                "2026-10-24T23:30:00Z",
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z",
            ],
        ),
        (
            "*/30 2 * * *",
            &[
                "2026-10-25T00:00:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:00:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-26T01:00:00Z",
            ],
        ),
    ] {
        assert_eq!(firings(&format!("CRON_TZ=Europe/Berlin {text}"), after, expected.len()), expected, "{text}");
    }
    // Also from within the second pass.
    let cron = cron("CRON_TZ=Europe/Berlin 50 2 * * *");
    let second_time = time("2026-10-25T01:10:00Z");
    assert_eq!(cron.next_after(second_time), Some(time("2026-10-26T01:50:00Z")));
    assert_eq!(cron.latest_between(Timestamp::MIN, second_time), Some(time("2026-10-25T00:50:00Z")));
}

#[test]
fn the_latest_firing_of_years_is_found_at_once() {
    let secondly = cron("* * * * * *");
    let (start, end) = (time("1990-01-01T00:00:00Z"), time("2026-06-01T12:00:00.25Z"));
    assert_eq!(secondly.latest_between(start, end), Some(time("2026-06-01T12:00:00Z")));
    assert_eq!(secondly.all_between(start, end, 3).len(), 3);
    assert_eq!(secondly.all_between(end, start, 3), []);
    assert_eq!(secondly.latest_between(end, start), None);
    assert_eq!(secondly.latest_between(end, end), None);
    assert_eq!(secondly.next_after(Timestamp::MAX), None);
    assert_eq!(cron("* * * * *").latest_between(Timestamp::MIN, Timestamp::MIN), None);
}

#[test]
fn the_text_stays_as_it_came() {
    for (text, shown) in [
        ("*/10 * * * * ", "*/10 * * * *"),
        ("\tCRON_TZ=Europe/Berlin  0 9 * * mon", "CRON_TZ=Europe/Berlin  0 9 * * mon"),
        ("@hourly", "@hourly"),
    ] {
        let cron = cron(text);
        assert_eq!(cron.to_string(), shown);
        assert_eq!(shown.parse(), Ok(cron));
    }
    assert_eq!("*/10 * * * * *".parse::<Cron>().unwrap().as_str(), "*/10 * * * * *");
}

#[test]
fn an_invalid_expression_or_time_zone_is_rejected() {
    let fields = "must have 5 fields (minute, hour, day of month, month, day of week), got \"";
    let never = "never fires, since there is no such date, got \"";
    for (text, reason) in [
        ("", fields),
        ("* * * *", fields),
        ("* * * * * *", fields),
        ("0 12 * * ? 2030", fields),
        ("* * * * * * *", fields),
        ("@reboot", fields),
        ("@every 1h", fields),
        ("@daily @hourly", fields),
        ("CRON_TZ=Europe/Berlin", fields),
        ("0 0 31 2 *", never),
        ("0 0 30,31 2 *", never),
        ("0 0 31W 2,4 *", never),
        ("CRON_TZ=Mars/Olympus * * * * *", "unknown time zone \"Mars/Olympus\", expected an IANA name"),
        ("CRON_TZ=../../etc/passwd * * * * *", "unknown time zone \"../../etc/passwd\", expected an IANA name"),
        ("CRON_TZ= * * * * *", "unknown time zone \"\", expected an IANA name"),
        (&"1,".repeat(130), "must not be longer than 256 bytes, got 260 bytes"),
    ] {
        let error = Cron::parse("Upstash-Cron", text).unwrap_err();
        assert!(error.to_string().starts_with(&format!("Upstash-Cron: {reason}")), "{text}: {error}");
    }
    let error = Cron::parse_with_seconds("f", "* * * * *").unwrap_err().to_string();
    let fields = "second, minute, hour, day of month, month, day of week";
    assert_eq!(error, format!("f: must have 6 fields ({fields}), got \"* * * * *\""));
}
