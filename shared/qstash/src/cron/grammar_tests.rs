//! The grammar: one row for each form, with its firings or its error.

use jiff::Timestamp;

use super::Cron;

/// Every valid form with its first firings after a moment.
#[test]
fn valid_forms_have_these_firings() {
    let start = "2026-01-01T00:00:00Z";
    for (text, expected) in [
        // Numbers, ranges, lists and steps.
        ("5 * * * *", "01-01T00:05 01-01T01:05"),
        ("05 09 * * *", "01-01T09:05 01-02T09:05"),
        ("58-59 * * * *", "01-01T00:58 01-01T00:59 01-01T01:58"),
        ("7-7 * * * *", "01-01T00:07 01-01T01:07"),
        ("0,30 12 * * *", "01-01T12:00 01-01T12:30 01-02T12:00"),
        ("30,0,30 12 * * *", "01-01T12:00 01-01T12:30 01-02T12:00"),
        ("*/25 * * * *", "01-01T00:25 01-01T00:50 01-01T01:00"),
        ("*/60 * * * *", "01-01T01:00 01-01T02:00"),
        ("0 */24 * * *", "01-02T00:00 01-03T00:00"),
        ("10-30/20 * * * *", "01-01T00:10 01-01T00:30 01-01T01:10"),
        ("40/15 * * * *", "01-01T00:40 01-01T00:55 01-01T01:40"),
        ("1,*/30,50-51 * * * *", "01-01T00:01 01-01T00:30 01-01T00:50 01-01T00:51 01-01T01:00"),
        // Months by number and by name, in any case.
        ("0 0 1 6 *", "06-01T00:00"),
        ("0 0 1 JUN *", "06-01T00:00"),
        ("0 0 1 jun-Jul,11 *", "06-01T00:00 07-01T00:00 11-01T00:00"),
        ("0 0 1 feb/5 *", "02-01T00:00 07-01T00:00 12-01T00:00"),
        ("0 0 1 mar-12/9 *", "03-01T00:00 12-01T00:00"),
        ("0 0 1 */12 *", "2027-01-01T00:00"),
        // Days of the week; 2026-01-04 is a Sunday.
        ("0 0 * * 0", "01-04T00:00 01-11T00:00"),
        ("0 0 * * 7", "01-04T00:00 01-11T00:00"),
        ("0 0 * * SUN", "01-04T00:00 01-11T00:00"),
        ("0 0 * * SUN-MON", "01-04T00:00 01-05T00:00 01-11T00:00"),
        ("0 0 * * SUN-SUN", "01-04T00:00 01-11T00:00"),
        ("0 0 * * sat-sun", "01-03T00:00 01-04T00:00 01-10T00:00"),
        ("0 0 * * FRI-7", "01-02T00:00 01-03T00:00 01-04T00:00 01-09T00:00"),
        ("0 0 * * MON,3,FRI", "01-02T00:00 01-05T00:00 01-07T00:00"),
        ("0 0 * * */7", "01-04T00:00 01-11T00:00"),
        ("0 0 * * MON/3", "01-04T00:00 01-05T00:00 01-08T00:00"),
        ("0 0 * * ?", "01-02T00:00 01-03T00:00"),
        // The forms of the day fields.
        ("0 0 ? * MON", "01-05T00:00 01-12T00:00"),
        ("0 0 L * *", "01-31T00:00 02-28T00:00"),
        ("0 0 L,1 * *", "01-31T00:00 02-01T00:00 02-28T00:00"),
        ("0 0 LW * *", "01-30T00:00 02-27T00:00 03-31T00:00"),
        ("0 0 L,LW * *", "01-30T00:00 01-31T00:00 02-27T00:00"),
        ("0 0 1W * *", "02-02T00:00 03-02T00:00"),
        ("0 0 31W * *", "01-30T00:00 03-31T00:00"),
        ("0 0 15W,17 * *", "01-15T00:00 01-17T00:00 02-16T00:00"),
        ("0 0 * * 5#2", "01-09T00:00 02-13T00:00"),
        ("0 0 * * fri#5", "01-30T00:00 05-29T00:00"),
        ("0 0 * * FRIL", "01-30T00:00 02-27T00:00"),
        ("0 0 * * 7L,0#1", "01-04T00:00 01-25T00:00"),
        // Either day field, or both.
        ("0 0 13 * FRI", "01-02T00:00 01-09T00:00 01-13T00:00"),
        ("0 0 13 * +FRI", "02-13T00:00 03-13T00:00 11-13T00:00"),
        // Whole expressions.
        ("@hourly", "01-01T01:00 01-01T02:00"),
        ("@Daily", "01-02T00:00 01-03T00:00"),
        ("@weekly", "01-04T00:00 01-11T00:00"),
        ("@monthly", "02-01T00:00 03-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
        ("@annually", "2027-01-01T00:00"),
    ] {
        let cron = Cron::parse("f", text).expect(text);
        let expected: Vec<Timestamp> = expected.split(' ').map(moment).collect();
        assert_eq!(cron.all_between(moment(start), Timestamp::MAX, expected.len()), expected, "{text}");
    }
}

/// Returns a moment of 2026, in UTC, in whole minutes.
fn moment(text: &str) -> Timestamp {
    text.parse().or_else(|_| format!("{text}:00Z").parse()).or_else(|_| format!("2026-{text}:00Z").parse()).expect(text)
}

/// The fields by position, with the allowed form in errors.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59, such as 5, 1-10, 0,30 or */15"),
    ("hour", "0 to 23, such as 9, 9-17, 0,12 or */6"),
    ("day of month", "1 to 31, such as 1, 1-7, 1,15 or */2, or L, LW or 15W"),
    ("month", "1 to 12 or JAN to DEC, such as 6, JAN-MAR, 1,7 or */3"),
    ("day of week", "0 to 7 or SUN to SAT, such as 1, MON-FRI, SAT,SUN or */2, or FRI#2 or FRIL"),
];

#[test]
fn an_error_names_the_field_the_problem_and_the_allowed_form() {
    const MINUTE: usize = 0;
    const HOUR: usize = 1;
    const DAY: usize = 2;
    const MONTH: usize = 3;
    const WEEKDAY: usize = 4;
    for (position, value, problem) in [
        // Out of range.
        (MINUTE, "60", "\"60\" is not a valid minute"),
        (MINUTE, "-1", "\"\" is not a valid minute"),
        (MINUTE, "99999999999", "\"99999999999\" is not a valid minute"),
        (HOUR, "24", "\"24\" is not a valid hour"),
        (DAY, "0", "\"0\" is not a valid day of month"),
        (DAY, "32", "\"32\" is not a valid day of month"),
        (MONTH, "0", "\"0\" is not a valid month"),
        (MONTH, "13", "\"13\" is not a valid month"),
        (WEEKDAY, "8", "\"8\" is not a valid day of week"),
        (MINUTE, "50-60", "\"60\" is not a valid minute"),
        (DAY, "0-5", "\"0\" is not a valid day of month"),
        (DAY, "0W", "\"0\" is not a valid day of month"),
        (DAY, "32W", "\"32\" is not a valid day of month"),
        // No number.
        (MINUTE, "A", "\"A\" is not a valid minute"),
        (MINUTE, "+5", "\"+5\" is not a valid minute"),
        (MINUTE, "5.5", "\"5.5\" is not a valid minute"),
        (MINUTE, "0X1", "\"0X1\" is not a valid minute"),
        (MINUTE, "é", "\"é\" is not a valid minute"),
        (MINUTE, "٣", "\"٣\" is not a valid minute"),
        (MINUTE, "?", "\"?\" is not a valid minute"),
        (HOUR, "?", "\"?\" is not a valid hour"),
        (MONTH, "?", "\"?\" is not a valid month"),
        (MINUTE, "**", "\"**\" is not a valid minute"),
        (MINUTE, "*5", "\"*5\" is not a valid minute"),
        (MINUTE, "5*", "\"5*\" is not a valid minute"),
        // Names of another field, unknown names, and joined names.
        (MINUTE, "MON", "\"MON\" is not a valid minute"),
        (HOUR, "JAN", "\"JAN\" is not a valid hour"),
        (DAY, "MON", "\"MON\" is not a valid day of month"),
        (DAY, "JAN", "\"JAN\" is not a valid day of month"),
        (MONTH, "MON", "\"MON\" is not a valid month"),
        (WEEKDAY, "JAN", "\"JAN\" is not a valid day of week"),
        (MONTH, "JANFEB", "\"JANFEB\" is not a valid month"),
        (WEEKDAY, "SUNMON", "\"SUNMON\" is not a valid day of week"),
        (MONTH, "JANUARY", "\"JANUARY\" is not a valid month"),
        (WEEKDAY, "MONDAY", "\"MONDAY\" is not a valid day of week"),
        (WEEKDAY, "MO", "\"MO\" is not a valid day of week"),
        (MONTH, "1JAN", "\"1JAN\" is not a valid month"),
        (MONTH, "JAN2", "\"JAN2\" is not a valid month"),
        (WEEKDAY, "MON1", "\"MON1\" is not a valid day of week"),
        (WEEKDAY, "*/MON", "the step \"MON\" is not a number"),
        // Lists.
        (MINUTE, ",", "an item of the list is empty"),
        (MINUTE, "1,,2", "an item of the list is empty"),
        (MINUTE, "1,", "an item of the list is empty"),
        (MINUTE, ",1", "an item of the list is empty"),
        (WEEKDAY, "MON,", "an item of the list is empty"),
        (DAY, "L,", "an item of the list is empty"),
        (MINUTE, "*,5", "\"*\" is not a valid minute"),
        (DAY, "1,*", "\"*\" is not a valid day of month"),
        (DAY, "?,1", "\"?\" is not a valid day of month"),
        (MINUTE, "1;2", "\"1;2\" is not a valid minute"),
        // Ranges.
        (MINUTE, "5-1", "the range \"5-1\" is reversed"),
        (HOUR, "22-2", "the range \"22-2\" is reversed"),
        (WEEKDAY, "FRI-MON", "the range \"FRI-MON\" is reversed"),
        (WEEKDAY, "7-2", "the range \"7-2\" is reversed"),
        (MONTH, "NOV-FEB", "the range \"NOV-FEB\" is reversed"),
        (MINUTE, "20-10/2", "the range \"20-10\" is reversed"),
        (MINUTE, "-", "\"\" is not a valid minute"),
        (MINUTE, "1-", "\"\" is not a valid minute"),
        (MINUTE, "-5", "\"\" is not a valid minute"),
        (MINUTE, "5-5-5", "\"5-5\" is not a valid minute"),
        (MINUTE, "1--5", "\"-5\" is not a valid minute"),
        (MINUTE, "*-5", "\"*\" is not a valid minute"),
        (MINUTE, "1-*", "\"*\" is not a valid minute"),
        // Steps.
        (MINUTE, "*/0", "the step of \"*/0\" must be 1 to 60"),
        (MINUTE, "*/61", "the step of \"*/61\" must be 1 to 60"),
        (MINUTE, "*/90", "the step of \"*/90\" must be 1 to 60"),
        (MINUTE, "0/90", "the step of \"0/90\" must be 1 to 60"),
        (HOUR, "*/25", "the step of \"*/25\" must be 1 to 24"),
        (DAY, "*/32", "the step of \"*/32\" must be 1 to 31"),
        (MONTH, "*/13", "the step of \"*/13\" must be 1 to 12"),
        (WEEKDAY, "*/8", "the step of \"*/8\" must be 1 to 7"),
        (MINUTE, "10-20/12", "the step of \"10-20/12\" must be 1 to 11"),
        (MINUTE, "1/65536", "the step \"65536\" is not a number"),
        (MINUTE, "/", "\"\" is not a valid minute"),
        (MINUTE, "/15", "\"\" is not a valid minute"),
        (MINUTE, "*/", "the step \"\" is not a number"),
        (MINUTE, "5/", "the step \"\" is not a number"),
        (MINUTE, "1/65535/2", "the step \"65535/2\" is not a number"),
        (MINUTE, "*//2", "the step \"/2\" is not a number"),
        (MINUTE, "*/-5", "the step \"-5\" is not a number"),
        (MINUTE, "*/+5", "the step \"+5\" is not a number"),
        (MINUTE, "*/1-5", "the step \"1-5\" is not a number"),
        (MINUTE, "*/*", "the step \"*\" is not a number"),
        (DAY, "?/2", "\"?\" is not a valid day of month"),
        // L, W, # and + in other fields and with text around them.
        (MINUTE, "L", "\"L\" is not a valid minute"),
        (HOUR, "5W", "\"5W\" is not a valid hour"),
        (MONTH, "L", "\"L\" is not a valid month"),
        (MONTH, "1#2", "\"1#2\" is not a valid month"),
        (DAY, "1#2", "\"1#2\" is not a valid day of month"),
        (DAY, "5L", "\"5L\" is not a valid day of month"),
        (DAY, "W", "\"\" is not a valid day of month"),
        (DAY, "WL", "\"WL\" is not a valid day of month"),
        (DAY, "15W5", "\"15W5\" is not a valid day of month"),
        (DAY, "15WL", "\"15WL\" is not a valid day of month"),
        (DAY, "15WW", "\"15W\" is not a valid day of month"),
        (DAY, "1-5W", "\"1-5\" is not a valid day of month"),
        (DAY, "*W", "\"*\" is not a valid day of month"),
        (DAY, "LW3", "\"LW3\" is not a valid day of month"),
        (DAY, "L-3", "\"L\" is not a valid day of month"),
        (DAY, "L3", "\"L3\" is not a valid day of month"),
        (DAY, "LL", "\"LL\" is not a valid day of month"),
        (DAY, "L/2", "\"L\" is not a valid day of month"),
        (DAY, "+1", "\"+1\" is not a valid day of month"),
        (WEEKDAY, "L", "L requires a weekday"),
        (WEEKDAY, "1,L", "L requires a weekday"),
        (WEEKDAY, "W", "\"W\" is not a valid day of week"),
        (WEEKDAY, "1W", "\"1W\" is not a valid day of week"),
        (WEEKDAY, "8L", "\"8\" is not a valid day of week"),
        (WEEKDAY, "1-5L", "\"1-5\" is not a valid day of week"),
        (WEEKDAY, "5LL", "\"5L\" is not a valid day of week"),
        (WEEKDAY, "L5", "\"L5\" is not a valid day of week"),
        (WEEKDAY, "5#2L", "\"5#2\" is not a valid day of week"),
        (WEEKDAY, "MON#1L", "\"MON#1\" is not a valid day of week"),
        (WEEKDAY, "5#L", "\"5#\" is not a valid day of week"),
        (WEEKDAY, "5#", "\"5#\" must end with #1 to #5"),
        (WEEKDAY, "5#0", "\"5#0\" must end with #1 to #5"),
        (WEEKDAY, "5#6", "\"5#6\" must end with #1 to #5"),
        (WEEKDAY, "5#2#3", "\"5#2#3\" must end with #1 to #5"),
        (WEEKDAY, "5#TUE", "\"5#TUE\" must end with #1 to #5"),
        (WEEKDAY, "#2", "\"\" is not a valid day of week"),
        (WEEKDAY, "1-5#2", "\"1-5\" is not a valid day of week"),
        (WEEKDAY, "*#2", "\"*\" is not a valid day of week"),
        (WEEKDAY, "+", "an item of the list is empty"),
        (WEEKDAY, "++1", "\"+1\" is not a valid day of week"),
        (WEEKDAY, "1,+2", "\"+2\" is not a valid day of week"),
        (WEEKDAY, "+*", "\"*\" is not a valid day of week"),
    ] {
        let mut fields = ["*"; 5];
        fields[position] = value;
        let (name, form) = FIELDS[position];
        let expected = format!("Upstash-Cron: invalid {name} {value:?}: {problem}, expected {form}");
        let error = Cron::parse("Upstash-Cron", &fields.join(" ")).expect_err(value);
        assert_eq!(error.to_string(), expected);
    }
    let error = Cron::parse_with_seconds("Upstash-Sigpost-Cron", "*/90 * * * * *").unwrap_err().to_string();
    let second = "invalid second \"*/90\": the step of \"*/90\" must be 1 to 60";
    assert_eq!(error, format!("Upstash-Sigpost-Cron: {second}, expected {}", FIELDS[0].1));
}
