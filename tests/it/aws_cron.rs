//! The conversion of cron expressions to EventBridge, compared with the firing times of sigpost.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::collection;
use proptest::prelude::*;
use proptest::sample::select;
use sigpost_qstash::Cron;
use tests::aws_cron::AwsCron;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The examples of the User Guide, and its rules for clock changes.
#[test]
fn evaluator_follows_the_documentation_of_aws() {
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
fn evaluator_rejects_invalid_and_undocumented_expressions() {
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

/// Ten years, long enough for zones that dropped clock changes at midnight (São Paulo) and skipped a day (Apia).
const START: &str = "2011-06-01T00:00:00Z";
const DAYS: i32 = 3653;
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
];

/// The EventBridge schedules of a cron expression, with the next firing of each.
struct Aws(Vec<(AwsCron, TimeZone, Timestamp)>);

impl Aws {
    fn of(cron: &Cron) -> Option<Self> {
        let schedules = cron.to_aws("cron").ok()?.into_iter().map(|schedule| {
            let zone = TimeZone::get(&schedule.time_zone).unwrap();
            (AwsCron::parse(&schedule.expression).unwrap(), zone, Timestamp::MIN)
        });
        Some(Self(schedules.collect()))
    }

    /// Returns the next firing after a time. Times must increase between calls.
    fn next_after(&mut self, moment: Timestamp) -> Timestamp {
        for (cron, zone, next) in &mut self.0 {
            if *next <= moment {
                *next = cron.next_after(moment, zone).unwrap_or(Timestamp::MAX);
            }
        }
        self.0.iter().map(|(.., next)| *next).min().unwrap()
    }
}

/// Whether a clock change may skip this firing, as `Cron::to_aws` documents.
fn may_be_missing(zone: &TimeZone, firing: Timestamp) -> bool {
    let just_before = firing - SignedDuration::from_nanos(1);
    let is_end_of_gap = zone.to_offset(firing) > zone.to_offset(just_before);
    let first = zone.to_ambiguous_timestamp(zone.to_datetime(firing)).earlier().unwrap();
    is_end_of_gap || first < firing
}

/// Berlin: 02:00 becomes 03:00 on 2026-03-29 at 01:00Z, and 03:00 becomes 02:00 on 2026-10-25 at 01:00Z.
#[test]
fn clock_change_skips_only_the_documented_firings() {
    let (spring, autumn) = ("2026-03-28T22:59:00Z", "2026-10-24T21:59:00Z");
    for (text, after, missing) in [
        ("30 2 * * *", spring, &["2026-03-29T01:00:00Z"][..]),
        ("30 2,3 * * *", spring, &["2026-03-29T01:00:00Z"]),
        ("0 2,3 * * *", spring, &[]),
        ("30 1,3 * * *", spring, &[]),
        ("*/30 2 * * *", spring, &[]),
        ("30 2 * * *", autumn, &[]),
        ("*/30 2 * * *", autumn, &["2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]),
        ("*/30 * * * SUN", autumn, &["2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]),
        ("*/30 * * * *", autumn, &[]),
    ] {
        let cron = Cron::parse("cron", &format!("CRON_TZ=Europe/Berlin {text}")).unwrap();
        let mut aws = Aws::of(&cron).unwrap();
        let mut ours = cron.all_between(time(after), time(after) + SignedDuration::from_hours(26), 100);
        ours.retain(|firing| aws.next_after(*firing - SignedDuration::from_nanos(1)) != *firing);
        let expected: Vec<_> = missing.iter().map(|missing| time(missing)).collect();
        assert_eq!(ours, expected, "{text}");
    }
}

/// Compares the firings after a start, and then those after each `step`. EventBridge may skip a firing but must not
/// add one.
fn compare(
    cron: &Cron,
    zone: &TimeZone,
    start: Timestamp,
    end: Timestamp,
    step: SignedDuration,
) -> Result<(), TestCaseError> {
    let Some(mut aws) = Aws::of(cron) else { return Err(TestCaseError::reject("rejected")) };
    let mut moment = start;
    while moment < end {
        let (ours, theirs) = (cron.next_after(moment).unwrap(), aws.next_after(moment));
        let is_missing = ours < theirs && may_be_missing(zone, ours);
        prop_assert!(ours == theirs || is_missing, "{cron} fires at {ours}, in EventBridge at {theirs}");
        moment = ours.max(moment + step);
    }
    Ok(())
}

fn joined(list: &[u32]) -> String {
    list.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn cron_text() -> impl Strategy<Value = String> {
    let times = |most: u32| {
        prop_oneof![
            3 => (0..=most).prop_map(|number| number.to_string()),
            1 => Just("*".to_owned()),
            1 => (2..=most).prop_map(|step| format!("*/{step}")),
            1 => (0..=most, 2..20u32).prop_map(|(start, step)| format!("{start}/{step}")),
            1 => (0..=most, 0..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => collection::vec(0..=most, 1..9).prop_map(|list| joined(&list)),
        ]
    };
    let day_of_month = prop_oneof![
        4 => (1..=31u32).prop_map(|day| day.to_string()),
        1 => (1..=23u32, 2..9u32).prop_map(|(start, step)| format!("{start}-31/{step}")),
        2 => (1..=31u32).prop_map(|day| format!("{day}W")),
        1 => Just("L".to_owned()),
    ];
    let weekday = prop_oneof![
        3 => (0..=7u32).prop_map(|day| day.to_string()),
        1 => (0..=3u32, 3..=7u32).prop_map(|(start, end)| format!("{start}-{end}")),
        1 => select(vec!["MON", "tue", "Sat", "SUN"]).prop_map(str::to_owned),
        2 => (0..=7u32, 1..=5u32).prop_map(|(day, nth)| format!("{day}#{nth}")),
        1 => (0..=7u32).prop_map(|day| format!("{day}L")),
    ];
    let month = prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..=12u32).prop_map(|month| month.to_string()),
        1 => collection::vec(1..=12u32, 1..4).prop_map(|list| joined(&list)),
        1 => Just("feb-sep".to_owned()),
    ];
    let list = |item: BoxedStrategy<String>| {
        prop_oneof![Just(vec!["*".to_owned()]), collection::vec(item, 1..4)].prop_map(|list| list.join(","))
    };
    let days = (list(day_of_month.boxed()), month, list(weekday.boxed()));
    let expression = (times(59), times(23), days)
        .prop_map(|(minute, hour, (day, month, weekday))| format!("{minute} {hour} {day} {month} {weekday}"));
    (select(&ZONES[..]), expression).prop_map(|(zone, expression)| format!("CRON_TZ={zone} {expression}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// One firing per day of ten years, and every firing around clock changes.
    #[test]
    fn converted_expressions_fire_at_the_times_of_the_cron(text in cron_text()) {
        let Ok(cron) = Cron::parse("cron", &text) else { return Err(TestCaseError::reject("never fires")) };
        let zone = TimeZone::get(text.split(['=', ' ']).nth(1).unwrap()).unwrap();
        let (start, day) = (time(START), SignedDuration::from_hours(24));
        let end = start + day * DAYS;
        compare(&cron, &zone, start, end, day)?;

        let around = SignedDuration::from_hours(3);
        let changes = zone.following(start).map(|change| change.timestamp()).take_while(|change| *change < end);
        for change in changes {
            compare(&cron, &zone, change - around, change + around, SignedDuration::ZERO)?;
        }
        compare(&cron, &zone, start, start + day, SignedDuration::ZERO)?;
    }
}
