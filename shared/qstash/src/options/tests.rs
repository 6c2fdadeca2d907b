use std::time::Duration;

use jiff::Timestamp;

use super::{Deduplication, Options};
use crate::{Invalid, Limits, Method, Params, Start};

fn now() -> Timestamp {
    Timestamp::from_second(1_755_856_800).unwrap()
}

fn try_parse(pairs: &[(&str, &str)]) -> Result<Options, Invalid> {
    let params = Params::from_pairs(pairs.iter().copied())?;
    Options::parse(&params, &Limits::default(), now())
}

fn parse(pairs: &[(&str, &str)]) -> Options {
    try_parse(pairs).unwrap_or_else(|error| panic!("{pairs:?}: {error}"))
}

fn error(name: &str, value: &str) -> String {
    try_parse(&[(name, value)]).expect_err(&format!("{name}: {value}")).to_string()
}

#[test]
fn nothing_given_means_defaults() {
    assert_eq!(parse(&[]), Options::default());
    assert_eq!(
        parse(&[
            ("Upstash-Retries", " "),
            ("Upstash-Cron", ""),
            ("Upstash-Telemetry-Sdk", "x"),
            ("Upstash-Workflow-Runid", "x"),
            ("Upstash-Queue", "no such header"),
            ("Authorization", "Bearer t"),
        ]),
        Options::default()
    );
    assert_eq!(serde_json::to_string(&Options::default()).unwrap(), "{}");
}

#[test]
fn every_option_is_read() {
    let options = parse(&[
        ("upstash-method", "put"),
        ("upstash-timeout", "1m30s"),
        ("upstash-retries", "7"),
        ("upstash-retry-delay", "1000 * retried"),
        ("upstash-delay", "50"),
        ("upstash-deduplication-id", "order-1"),
        ("upstash-content-based-deduplication", "True"),
        ("upstash-label", "a, b,, a ,c"),
    ]);
    assert_eq!(options.method, Method::Put);
    assert_eq!(options.timeout, Some(Duration::from_secs(90)));
    assert_eq!(options.retries, Some(7));
    assert_eq!(options.retry_delay.unwrap().as_str(), "1000 * retried");
    assert_eq!(options.start, Start::After(Duration::from_secs(50)));
    assert_eq!(options.deduplication, Some(Deduplication::Id("order-1".to_owned())));
    assert_eq!(options.labels, ["a", "b", "c"]);
    assert_eq!(parse(&[("Upstash-Content-Based-Deduplication", "true")]).deduplication, Some(Deduplication::Content));
    assert_eq!(parse(&[("Upstash-Content-Based-Deduplication", "False")]).deduplication, None);
}

#[test]
fn not_before_wins_over_delay_and_the_past_is_now() {
    let start = |pairs: &[(&str, &str)]| parse(pairs).start;
    let at = |second| Start::At(Timestamp::from_second(second).unwrap());
    let delay = ("upstash-delay", "5s");
    for (not_before, expected) in [
        ("1755856801", at(1_755_856_801)),
        ("1755856800.6", at(1_755_856_801)),
        ("1755856800", Start::Now),
        ("0", Start::Now),
        ("", Start::After(Duration::from_secs(5))),
    ] {
        assert_eq!(start(&[delay, ("upstash-not-before", not_before)]), expected);
    }
    assert_eq!(start(&[("upstash-delay", "0s")]), Start::Now);
    assert_eq!(at(1_755_856_801).not_before(now()).as_second(), 1_755_856_801);
    assert_eq!(Start::At(Timestamp::UNIX_EPOCH).not_before(now()), now());
}

#[test]
fn refusals_name_the_header_as_the_caller_knows_it() {
    for (name, value, message) in [
        ("upstash-method", "HEAD", "Upstash-Method: must be one of GET, POST, PUT, PATCH, DELETE"),
        ("upstash-timeout", "0", "Upstash-Timeout: must be longer than zero"),
        ("upstash-timeout", "2h1s", "Upstash-Timeout: must not be longer than 7200 seconds"),
        ("upstash-retries", "-1", "Upstash-Retries: must be a whole number, 0 or more"),
        ("upstash-retries", "+1", "Upstash-Retries: must be a whole number, 0 or more"),
        ("upstash-retries", "1.0", "Upstash-Retries: must be a whole number, 0 or more"),
        ("upstash-retries", "101", "Upstash-Retries: must not be more than 100"),
        ("upstash-retries", "99999999999", "Upstash-Retries: must not be more than 100"),
        ("upstash-retry-delay", "1+", "Upstash-Retry-Delay: invalid expression: unexpected end"),
        ("upstash-delay", "366d", "quota maxDelay exceeded, current limit: 31536000"),
        ("upstash-not-before", "1787392801", "quota maxDelay exceeded, current limit: 31536000"),
        ("upstash-not-before", "1755856800000", "Upstash-Not-Before: must be a date in unix seconds"),
        ("upstash-not-before", "tomorrow", "Upstash-Not-Before: must be a date in unix seconds"),
        ("upstash-deduplication-id", "user:123", "DeduplicationId cannot contain ':'"),
        ("upstash-content-based-deduplication", "1", "Upstash-Content-Based-Deduplication: must be true or false"),
        ("upstash-cron", "* * * * *", "Upstash-Cron: cannot be used here, create a schedule with /v2/schedules"),
        ("upstash-flow-control-key", "k", "Upstash-Flow-Control-Key: not supported yet"),
        ("upstash-flow-control-value", "rate=1", "Upstash-Flow-Control-Value: not supported yet"),
        ("upstash-redact-fields", "body", "Upstash-Redact-Fields: not supported yet"),
        ("upstash-queue-name", "q", "Upstash-Queue-Name: not supported yet"),
        ("upstash-schedule-id", "s", "Upstash-Schedule-Id: not supported yet"),
        (
            "upstash-callback",
            "nowhere",
            "Upstash-Callback: invalid destination url: it must begin with http:// or https://: \"nowhere\"",
        ),
        ("upstash-forward-a b", "1", "upstash-forward-a b: does not name a valid header"),
        ("upstash-forward-", "1", "Upstash-Forward-: does not name a valid header"),
    ] {
        assert_eq!(error(name, value), message);
    }
    for (name, value) in [
        ("upstash-label", &*"x".repeat(257)),
        ("upstash-label", &(0..33).map(|n| format!("{n},")).collect::<String>()),
        ("upstash-deduplication-id", &"x".repeat(1025)),
        ("upstash-forward-x", &"x".repeat(32 * 1024)),
    ] {
        error(name, value);
    }
}

#[test]
fn the_limits_are_the_servers() {
    let params = Params::from_pairs([("upstash-delay", "8d")].into_iter()).unwrap();
    let with = |max_delay| {
        let limits = Limits { max_delay, ..Limits::default() };
        Options::parse(&params, &limits, now()).map(|options| options.start)
    };
    let week = Duration::from_secs(604_800);
    assert_eq!(with(Some(week)).unwrap_err().to_string(), "quota maxDelay exceeded, current limit: 604800");
    assert!(with(None).is_ok());
}

#[test]
fn only_content_type_and_forwarded_headers_reach_the_destination() {
    let options = parse(&[
        ("content-type", "application/json"),
        ("user-agent", "python"),
        ("upstash-telemetry-sdk", "x"),
        ("upstash-forward-bypass-tunnel-reminder", "a, b"),
        ("upstash-forward-authorization", "Bearer mine"),
        ("upstash-forward-empty", ""),
        ("upstash-forward-upstash-delay", "5s"),
        ("upstash-forward-host", "evil"),
        ("upstash-forward-content-length", "1"),
        ("upstash-forward-transfer-encoding", "chunked"),
        ("upstash-forward-upstash-signature", "forged"),
        ("upstash-forward-upstash-message-id", "forged"),
    ]);
    assert_eq!(
        serde_json::to_value(&options.headers).unwrap(),
        serde_json::json!({
            "Authorization": ["Bearer mine"],
            "Bypass-Tunnel-Reminder": ["a, b"],
            "Content-Type": ["application/json"],
            "Empty": [""],
            "Upstash-Delay": ["5s"],
        })
    );
}

#[test]
fn a_forwarded_header_replaces_the_requests_own() {
    let options = parse(&[
        ("content-type", "application/json"),
        ("x-a", "own"),
        ("upstash-header-forward", "true"),
        ("upstash-forward-content-type", "text/plain"),
        ("upstash-forward-x-a", "1"),
        ("upstash-forward-x-a", "2"),
    ]);
    assert_eq!(options.headers.0["Content-Type"], ["text/plain"]);
    assert_eq!(options.headers.0["X-A"], ["1", "2"]);
}

#[test]
fn callbacks_have_options_of_their_own() {
    let options = parse(&[
        ("content-type", "application/json"),
        ("upstash-retries", "5"),
        ("upstash-timeout", "10"),
        ("upstash-callback", "https://a.com?foo=bar"),
        ("upstash-callback-method", "PATCH"),
        ("upstash-callback-delay", "3s"),
        ("upstash-callback-forward-x-key", "secret"),
        ("upstash-failure-callback", "https://b.com"),
        ("upstash-failure-callback-retries", "1"),
        ("upstash-failure-callback-workflow-runid", "ignored"),
    ]);
    assert_eq!(options.method, Method::Post);
    assert_eq!(options.headers.get("x-key"), None);

    let callback = options.callback.unwrap();
    assert_eq!(callback.url.as_str(), "https://a.com?foo=bar");
    assert_eq!(
        serde_json::to_value(&callback.options).unwrap(),
        serde_json::json!({
            "method": "PATCH",
            "retries": 5,
            "start": { "after_ms": 3000 },
            "headers": { "X-Key": ["secret"] },
        })
    );
    let failure = options.failure_callback.unwrap();
    assert_eq!(serde_json::to_string(&failure).unwrap(), r#"{"url":"https://b.com","options":{"retries":1}}"#);
}

#[test]
fn callback_settings_are_checked_under_their_own_names() {
    let with_callback =
        |name, value| try_parse(&[("upstash-callback", "https://a.com"), (name, value)]).unwrap_err().to_string();
    assert_eq!(
        with_callback("upstash-callback-retries", "x"),
        "Upstash-Callback-Retries: must be a whole number, 0 or more"
    );
    assert_eq!(
        with_callback("upstash-callback-failure-callback", "https://b.com"),
        "Upstash-Callback-Failure-Callback: a callback cannot have a callback"
    );
    assert_eq!(
        with_callback("upstash-callback-flow-control-key", "k"),
        "Upstash-Callback-Flow-Control-Key: not supported yet"
    );
    // Without a callback its settings say nothing.
    assert!(try_parse(&[("upstash-callback-retries", "x")]).is_ok());
}

#[test]
fn options_survive_storage() {
    let options = parse(&[
        ("upstash-method", "GET"),
        ("upstash-timeout", "1.5s"),
        ("upstash-retries", "0"),
        ("upstash-retry-delay", "retried"),
        ("upstash-not-before", "1755856900"),
        ("upstash-deduplication-id", "x"),
        ("upstash-callback", "https://a.com"),
        ("upstash-callback-content-based-deduplication", "true"),
        ("upstash-label", "a"),
        ("content-type", "text/plain"),
    ]);
    let json = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options);
}
