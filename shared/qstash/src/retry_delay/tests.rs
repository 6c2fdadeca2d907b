use std::time::Duration;

use super::RetryDelay;

fn parse(source: &str) -> RetryDelay {
    RetryDelay::parse("Upstash-Retry-Delay", source).unwrap()
}

#[test]
fn expressions_give_milliseconds() {
    for (source, retried, millis) in [
        ("1000", 0, 1000),
        ("1000 * retried", 3, 3000),
        ("1000 * (1 + retried)", 0, 1000),
        ("1+2*3", 0, 7),
        ("(1+2)*3", 0, 9),
        ("10-4-3", 0, 3),
        ("100/10/2", 0, 5),
        ("7 % 4 * 2", 0, 6),
        ("- -5", 0, 5),
        ("2--3", 0, 5),
        ("+5", 0, 5),
        ("1.5e3", 0, 1500),
        ("1E+2", 0, 100),
        ("5e-1*10", 0, 5),
        (".5*10", 0, 5),
        ("5.", 0, 5),
        ("pow(2, retried) * 1000", 4, 16_000),
        ("min(86400, exp(2.5*retried)) * 1000", 1, 12_182),
        ("exp(0)", 0, 1),
        ("sqrt(16) + abs(-3)", 0, 7),
        ("floor(1.9) + ceil(1.1) + round(2.5)", 0, 6),
        ("max(1,2,3) + min(4)", 0, 7),
        ("1.4", 0, 1),
        ("\t1000\n", 0, 1000),
    ] {
        assert_eq!(parse(source).delay(retried), Some(Duration::from_millis(millis)), "{source}");
    }
}

#[test]
fn delays_stay_between_zero_and_a_day() {
    let day = Duration::from_secs(86_400);
    assert_eq!(parse("-1000").delay(0), Some(Duration::ZERO));
    assert_eq!(parse("1000 - 500*retried").delay(3), Some(Duration::ZERO));
    assert_eq!(parse("86400001").delay(0), Some(day));
    assert_eq!(parse("pow(10, retried)").delay(100), Some(day));
}

#[test]
fn results_that_are_no_number_leave_it_to_the_default() {
    for source in ["0/0", "1/retried", "-1/0", "sqrt(-1)", "1%0", "1e999", "min(0/0, 1)", "max(1, 0/0)", "exp(1000)"] {
        assert_eq!(parse(source).delay(0), None, "{source}");
    }
}

#[test]
fn what_is_no_expression_is_rejected_with_the_place() {
    for (source, reason) in [
        ("", "unexpected end"),
        ("  ", "unexpected end"),
        ("1 +", "unexpected end"),
        ("(1", "unexpected end"),
        ("1)", "unexpected ')' at position 2"),
        ("1 2", "unexpected '2' at position 3"),
        ("1e", "unexpected 'e' at position 2"),
        (".", "unexpected '.' at position 1"),
        ("1..2", "unexpected '.' at position 3"),
        ("2 ^ 3", "unexpected '^' at position 3"),
        ("2 ** 3", "unexpected '*' at position 4"),
        ("pow(1)", "wrong number of arguments for pow"),
        ("exp(1,2)", "wrong number of arguments for exp"),
        ("min()", "unexpected ')' at position 5"),
        ("pow 1", "unexpected '1' at position 5"),
        ("pow", "unexpected end"),
        ("Retried", "unknown name \"Retried\" at position 1"),
        ("random()", "unknown name \"random\" at position 1"),
        ("1 + é", "unexpected 'é' at position 5"),
    ] {
        let error = RetryDelay::parse("Upstash-Retry-Delay", source).unwrap_err();
        assert_eq!(error.to_string(), format!("Upstash-Retry-Delay: invalid expression: {reason}, got \"{source}\""));
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let parse = |source: &str| RetryDelay::parse("f", source).map(|_| ());
    assert_eq!(parse(&nested(32)), Ok(()));
    assert!(parse(&nested(33)).is_err());
    assert!(parse(&"-".repeat(500)).is_err());
    assert!(parse(&"abs(".repeat(100)).is_err());
    assert_eq!(parse(&"1".repeat(512)), Ok(()));
    assert!(parse(&"1".repeat(513)).is_err());
}

#[test]
fn the_text_survives_storage_verbatim() {
    let delay = parse(" 1000 *  retried");
    let json = serde_json::to_string(&delay).unwrap();
    assert_eq!(json, r#"" 1000 *  retried""#);
    let read: RetryDelay = serde_json::from_str(&json).unwrap();
    assert_eq!(read, delay);
    assert_eq!(read.delay(2), Some(Duration::from_secs(2)));
    assert!(serde_json::from_str::<RetryDelay>(r#""retried +""#).is_err());
}
