//! What a schedule's cron becomes on EventBridge, compared with what it fires here.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tests::aws_cron::AwsCron;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The examples of the User Guide, and what it says of clock changes.
#[test]
fn the_stand_in_evaluates_expressions_as_aws_documents_them() {
    for (expression, zone, after, expected) in [
        ("cron(15 10 ? * 6L 2022-2023)", "UTC", "2022-01-01T00:00:00Z", "2022-01-28T10:15:00Z"),
        ("cron(1/10 * * * ? *)", "UTC", "2026-01-01T00:51:00Z", "2026-01-01T01:01:00Z"),
        ("cron(0 9 3W * ? *)", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T09:00:00Z"),
        ("cron(0 9 1W * ? *)", "UTC", "2026-07-30T00:00:00Z", "2026-08-03T09:00:00Z"),
        ("cron(0 9 31W MAY ? *)", "UTC", "2026-05-01T00:00:00Z", "2026-05-29T09:00:00Z"),
        ("cron(0 9 L * ? *)", "UTC", "2028-02-01T00:00:00Z", "2028-02-29T09:00:00Z"),
        ("cron(0 9 ? * 3#2 *)", "UTC", "2026-09-01T00:00:00Z", "2026-09-08T09:00:00Z"),
        ("cron(0 9 ? * MON-FRI *)", "UTC", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z"),
        ("cron(0 9 ? * L *)", "UTC", "2026-01-01T00:00:00Z", "2026-01-03T09:00:00Z"),
        ("cron(30 8 * * ? *)", "America/New_York", "2026-07-01T00:00:00Z", "2026-07-01T12:30:00Z"),
        ("cron(30 2 * * ? *)", "America/Los_Angeles", "2026-03-08T00:00:00Z", "2026-03-09T09:30:00Z"),
        ("cron(30 1 * * ? *)", "America/Los_Angeles", "2026-11-01T07:00:00Z", "2026-11-01T08:30:00Z"),
        ("cron(30 1 * * ? *)", "America/Los_Angeles", "2026-11-01T08:30:00Z", "2026-11-02T09:30:00Z"),
    ] {
        let zone = TimeZone::get(zone).unwrap();
        let next = AwsCron::parse(expression).unwrap().next_after(time(after), &zone);
        assert_eq!(next, Some(time(expected)), "{expression}");
    }
    let over = AwsCron::parse("cron(0 0 1 1 ? 2020)").unwrap().next_after(time("2026-01-01T00:00:00Z"), &TimeZone::UTC);
    assert_eq!(over, None);
}

#[test]
fn the_stand_in_refuses_what_aws_refuses_or_does_not_document() {
    for inner in [
        "0 9 * * ?",
        "0 9 * * * *",
        "0 9 ? * ? *",
        "0 9 1 * MON *",
        "0  9 * * ? *",
        "60 9 * * ? *",
        "0 24 * * ? *",
        "0 9 0 * ? *",
        "0 9 32 * ? *",
        "0 9 * 13 ? *",
        "0 9 * JANUARY ? *",
        "0 9 ? * 0 *",
        "0 9 ? * 8 *",
        "0 9 ? * MOON *",
        "0 9 ? * 2/2 *",
        "0 9 ? * 3#1,6#3 *",
        "0 9 ? * 3#6 *",
        "0 9 ? * 2,6L *",
        "0 9 1,L * ? *",
        "0 9 LW * ? *",
        "0 9 1W,15W * ? *",
        "0 9 31W * ? *",
        "0 9 29W FEB ? *",
        "*/5 * * * ? *",
        "0-30/5 * * * ? *",
        "0/0 * * * ? *",
        "30-10 * * * ? *",
        "0, * * * ? *",
        "+5 * * * ? *",
        "0 9 * * ? 1969",
        "0 9 * * ? 2200",
    ] {
        AwsCron::parse(&format!("cron({inner})")).expect_err(inner);
    }
    for expression in ["0 9 * * ? *", "cron(0 9 * * ? *", "rate(1 minute)"] {
        AwsCron::parse(expression).expect_err(expression);
    }
}
