//! Firings of arbitrary cron expressions agree in both search directions and, without clock changes, with croner's
//! own search.

use std::ops::Range;

use croner::parser::CronParser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use sigpost_qstash::Cron;

/// 1995 to 2056: the clock changes of the past are listed, those of the future are computed.
fn moment() -> impl Strategy<Value = Timestamp> {
    (800_000_000_000..2_740_000_000_000_i64).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

/// One field: `*`, a number, a list, a range, with and without step.
fn field(values: Range<u32>) -> impl Strategy<Value = String> {
    let count = values.end - values.start;
    let list = proptest::collection::vec(values.clone(), 1..4)
        .prop_map(|list| list.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    let range = (values.clone(), values, 0..30_u32).prop_map(|(a, b, step)| {
        let (first, last) = (a.min(b), a.max(b));
        format!("{first}-{last}/{}", 1 + step % (last - first + 1))
    });
    let steps = (1..=count).prop_map(|step| format!("*/{step}"));
    prop_oneof![4 => Just("*".to_owned()), 1 => steps, 3 => list, 1 => range]
}

fn expression() -> impl Strategy<Value = String> {
    let one_of = |texts: &'static [&'static str]| proptest::sample::select(texts).prop_map(str::to_owned);
    let day = prop_oneof![4 => field(1..32), 1 => one_of(&["L", "LW", "L,3", "LW,7", "1W", "15W", "31W", "2W,30W"])];
    let weekdays = &["5#2", "0#1,7#5", "fri#3", "1L", "SUNL,3", "MON-FRI", "sat-SUN", "5-7", "+1-3", "+FRI"];
    let weekday = prop_oneof![3 => field(0..7), 1 => one_of(weekdays)];
    (field(0..60), field(0..60), field(0..24), day, field(1..13), weekday).prop_map(
        |(second, minute, hour, day, month, weekday)| format!("{second} {minute} {hour} {day} {month} {weekday}"),
    )
}

/// Returns the expression, or `None` if it never fires, which is the only accepted error.
fn that_fires(expression: &str) -> Result<Option<Cron>, TestCaseError> {
    match Cron::parse_with_seconds("f", expression) {
        Ok(cron) => Ok(Some(cron)),
        Err(error) if error.reason.starts_with("never fires") => Ok(None),
        Err(error) => Err(TestCaseError::fail(format!("{expression}: {error}"))),
    }
}

proptest! {
    #[test]
    fn what_resembles_an_expression_ends_in_a_moment_or_a_rejection(
        text in "((CRON_)?TZ=(UTC|Europe/Berlin|[a-zA-Z/_.-]{0,12}) )?([0-9*,/LW#?+-]{1,5}|MON|@daily| ){0,14}",
        now in moment(),
    ) {
        for cron in [Cron::parse("f", &text), Cron::parse_with_seconds("f", &text)].into_iter().flatten() {
            prop_assert_eq!(cron.as_str(), text.trim());
            prop_assert_eq!(cron.to_string().parse::<Cron>(), Ok(cron.clone()));
            let next = cron.next_after(now);
            prop_assert!(next.is_some_and(|next| next > now), "{next:?}");
            let _ = cron.latest_between(Timestamp::MIN, now);
        }
    }

    #[test]
    fn firings_are_the_same_forwards_and_backwards(
        expression in expression(),
        zone in prop_oneof![
            Just("Europe/Berlin"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("Africa/Casablanca"),
            Just("America/Nuuk"), Just("Pacific/Apia"), Just("UTC"),
        ],
        start in moment(),
        seconds_to_change in proptest::option::of(0..10_000_i64),
    ) {
        // Most random moments are far from a clock change.
        let change = TimeZone::get(zone).unwrap().following(start).next().map(|change| change.timestamp());
        let start = match (change, seconds_to_change) {
            (Some(change), Some(seconds)) => change - SignedDuration::from_secs(seconds),
            _ => start,
        };
        if let Some(cron) = that_fires(&format!("CRON_TZ={zone} {expression}"))? {
            let firings = cron.all_between(start, Timestamp::MAX, 12);
            prop_assert_eq!(firings.len(), 12);
            let mut previous = start;
            for firing in firings {
                prop_assert!(firing > previous);
                let just_before = firing - SignedDuration::from_millis(1);
                prop_assert_eq!(cron.next_after(just_before), Some(firing));
                prop_assert_eq!(cron.latest_between(previous, firing), Some(firing));
                prop_assert_eq!(cron.latest_between(previous, just_before), None);
                let earlier = (previous > start).then_some(previous);
                prop_assert_eq!(cron.latest_between(start, just_before), earlier);
                previous = firing;
            }
        }
    }

    #[test]
    fn where_clocks_never_change_croner_agrees(expression in expression(), start in moment()) {
        if let Some(cron) = that_fires(&expression)? {
            let croner = CronParser::new().parse(&expression).unwrap();
            let mut moment = start.to_zoned(TimeZone::UTC);
            for firing in cron.all_between(start, Timestamp::MAX, 3) {
                moment = croner.find_next_occurrence(&moment, false).unwrap();
                prop_assert_eq!(firing, moment.timestamp());
            }
        }
    }
}
