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
            ("Upstash-Workflow-Runid", " "),
            ("Upstash-Workflow-Url", "x"),
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
        ("upstash-queue-name", "mail.fast-1"),
        ("upstash-redact-fields", "body,header[x-key]"),
    ]);
    assert_eq!(options.queue_name.as_deref(), Some("mail.fast-1"));
    assert_eq!(options.redact.to_text(), "body,header[X-Key]");
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
fn rejections_name_the_header_as_the_caller_knows_it() {
    for (name, value, message) in [
        ("upstash-method", "HEAD", "Upstash-Method: must be one of GET, POST, PUT, PATCH, DELETE, got \"HEAD\""),
        (
            "Upstash-Workflow-RunId",
            "wfr_1",
            "Upstash-Workflow-RunId: Upstash Workflow is not supported; publish the message without Upstash-Workflow-* headers",
        ),
        (
            "upstash-forward-x-correlation-id",
            &"a".repeat(129),
            "Upstash-Forward-X-Correlation-Id: must not be longer than 128 bytes, got 129 bytes",
        ),
        ("upstash-timeout", "0", "Upstash-Timeout: must be greater than zero, got \"0\""),
        ("upstash-timeout", "2h1s", "Upstash-Timeout: must not be longer than 7200 seconds, got \"2h1s\""),
        ("upstash-retries", "-1", "Upstash-Retries: must be a whole number, 0 or more, got \"-1\""),
        ("upstash-retries", "+1", "Upstash-Retries: must be a whole number, 0 or more, got \"+1\""),
        ("upstash-retries", "1.0", "Upstash-Retries: must be a whole number, 0 or more, got \"1.0\""),
        ("upstash-retries", "101", "Upstash-Retries: must not be more than 100, got \"101\""),
        ("upstash-retries", "99999999999", "Upstash-Retries: must not be more than 100, got \"99999999999\""),
        ("upstash-retry-delay", "1+", "Upstash-Retry-Delay: invalid expression: unexpected end, got \"1+\""),
        ("upstash-delay", "365001d", "Upstash-Delay: must not be longer than 1000 years, got \"365001d\""),
        (
            "upstash-not-before",
            "33291856801",
            "Upstash-Not-Before: must not be more than 1000 years from now, got \"33291856801\"",
        ),
        (
            "upstash-not-before",
            "1755856800000",
            "Upstash-Not-Before: must be a time in unix seconds, got \"1755856800000\"",
        ),
        ("upstash-not-before", "tomorrow", "Upstash-Not-Before: must be a time in unix seconds, got \"tomorrow\""),
        ("upstash-deduplication-id", "user:123", "DeduplicationId cannot contain ':'"),
        (
            "upstash-content-based-deduplication",
            "1",
            "Upstash-Content-Based-Deduplication: must be true or false, got \"1\"",
        ),
        ("upstash-cron", "* * * * *", "Upstash-Cron: cannot be used here, create a schedule with /v2/schedules"),
        ("upstash-schedule-id", "s", "Upstash-Schedule-Id: cannot be used here, create a schedule with /v2/schedules"),
        (
            "upstash-queue-name",
            "a/b",
            "Upstash-Queue-Name: must be a name of letters, digits, hyphens, underscores and periods, got \"a/b\"",
        ),
        ("upstash-flow-control-key", "k", "Upstash-Flow-Control-Key: requires Upstash-Flow-Control-Value"),
        ("upstash-flow-control-value", "rate=1", "Upstash-Flow-Control-Value: requires Upstash-Flow-Control-Key"),
        (
            "upstash-redact-fields",
            "bdy",
            "Upstash-Redact-Fields: must be a list of body, header (for all headers) and header[Name], got \"bdy\"",
        ),
        (
            "upstash-callback",
            "nowhere",
            "Upstash-Callback: invalid destination url: it must begin with http:// or https://: \"nowhere\"",
        ),
        ("upstash-forward-a b", "1", "upstash-forward-a b: is not a valid header name"),
        ("upstash-forward-", "1", "Upstash-Forward-: is not a valid header name"),
    ] {
        assert_eq!(error(name, value), message);
    }
    assert_eq!(parse(&[("upstash-not-before", "33291856800")]).start.not_before(now()).as_second(), 33_291_856_800);
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
    assert_eq!(options.headers.map()["Content-Type"], ["text/plain"]);
    assert_eq!(options.headers.map()["X-A"], ["1", "2"]);
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
        "Upstash-Callback-Retries: must be a whole number, 0 or more, got \"x\""
    );
    assert_eq!(
        with_callback("upstash-callback-failure-callback", "https://b.com"),
        "Upstash-Callback-Failure-Callback: a callback cannot have a callback"
    );
    assert_eq!(
        with_callback("upstash-callback-flow-control-key", "k"),
        "Upstash-Callback-Flow-Control-Key: requires Upstash-Callback-Flow-Control-Value"
    );
    assert_eq!(
        with_callback("upstash-callback-sigpost-prioriti", "1"),
        "Upstash-Callback-Sigpost-Prioriti: unknown header, did you mean Upstash-Callback-Sigpost-Priority?"
    );
    assert_eq!(
        with_callback("upstash-callback-cron", "* * * * *"),
        "Upstash-Callback-Cron: cannot be used here, create a schedule with /v2/schedules"
    );
    // Without a callback its settings have no effect.
    assert!(try_parse(&[("upstash-callback-retries", "x")]).is_ok());
}

#[test]
fn a_message_may_have_several_flow_control_keys() {
    let value = |n| format!("upstash-sigpost-flow-control-value-{n}");
    let key = |n| format!("upstash-sigpost-flow-control-key-{n}");
    let first = [("upstash-flow-control-key", "m"), ("upstash-flow-control-value", "parallelism=1")];
    let keys = |more: &[(&str, &str)]| {
        let options = try_parse(&[&first, more].concat()).map_err(|error| error.to_string())?;
        Ok::<_, String>(options.flow_control.into_iter().map(|one| one.key).collect::<Vec<_>>())
    };
    assert_eq!(keys(&[]).unwrap(), ["m"]);
    let sorted = keys(&[(&key(8), "a"), (&value(8), "rate=1"), (&key(2), "z"), (&value(2), "rate=1, period=1d")]);
    assert_eq!(sorted.unwrap(), ["m", "a", "z"]);
    for (more, message) in [
        (
            vec![(key(2), "m"), (value(2), "rate=1")],
            "Upstash-Sigpost-Flow-Control-Key-2: must differ from the other keys, got \"m\"",
        ),
        (vec![(key(3), "a")], "Upstash-Sigpost-Flow-Control-Key-3: requires Upstash-Sigpost-Flow-Control-Value-3"),
        (
            vec![(value(3), "rate=1")],
            "Upstash-Sigpost-Flow-Control-Value-3: requires Upstash-Sigpost-Flow-Control-Key-3",
        ),
        (
            vec![(key(4), "a"), (value(4), "rate=0")],
            "Upstash-Sigpost-Flow-Control-Value-4: rate must be a whole number from 1 to 2147483647, got \"0\"",
        ),
        (
            vec![(key(9), "a"), (value(9), "rate=1")],
            "Upstash-Sigpost-Flow-Control-Key-9: unknown header, did you mean Upstash-Sigpost-Flow-Control-Key-2?",
        ),
    ] {
        let more: Vec<_> = more.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(keys(&more).unwrap_err(), message);
    }
    assert_eq!(
        try_parse(&[(&key(2), "a"), (&value(2), "rate=1")]).unwrap_err().to_string(),
        "Upstash-Sigpost-Flow-Control-Key-2: requires Upstash-Flow-Control-Key"
    );
}

#[test]
fn extensions_are_read_however_an_sdk_sends_them() {
    let extensions = [
        ("Sigpost-Priority", "-1000"),
        ("sigpost-deduplication-window", "1s"),
        ("Sigpost-Deduplication-Release-On-Failure", "false"),
    ];
    // The Python SDK turns each of them into a forwarded header.
    for prefix in ["Upstash-", "Upstash-Forward-Upstash-", "upstash-forward-UPSTASH-"] {
        let named = extensions.map(|(name, value)| (format!("{prefix}{name}"), value));
        let options = parse(&named.each_ref().map(|(name, value)| (name.as_str(), *value)));
        assert_eq!(options.priority, -1000);
        assert_eq!(options.deduplication_window, Some(Duration::from_secs(1)));
        assert_eq!(options.deduplication_release_on_failure, Some(false));
        assert!(options.headers.is_empty());
    }
    let query = "upstash-forward-upstash-sigpost-priority=7&upstash-callback=https://a.com\
        &upstash-callback-sigpost-priority=8&upstash-failure-callback=https://a.com\
        &upstash-failure-callback-forward-upstash-sigpost-priority=9";
    let params = Params::from_request(&http::HeaderMap::new(), Some(query)).unwrap();
    let options = Options::parse(&params, &Limits::default(), now()).unwrap();
    assert_eq!(options.priority, 7);
    assert_eq!(options.callback.unwrap().options.priority, 8);
    let failure_callback = options.failure_callback.unwrap().options;
    assert_eq!((failure_callback.priority, failure_callback.headers.is_empty()), (9, true));
}

#[test]
fn a_mistyped_extension_is_rejected() {
    let priority =
        |value: &str| format!("Upstash-Sigpost-Priority: must be a whole number from -1000 to 1000, got \"{value}\"");
    let window = |value: &str| {
        format!("Upstash-Sigpost-Deduplication-Window: must be a duration from 1s to 90d, got \"{value}\"")
    };
    for (name, value, message) in [
        ("upstash-sigpost-priority", "1001", priority("1001")),
        ("upstash-sigpost-priority", "-1001", priority("-1001")),
        ("upstash-sigpost-priority", "1.0", priority("1.0")),
        ("upstash-forward-upstash-sigpost-priority", "high", priority("high")),
        ("upstash-sigpost-deduplication-window", "0", window("0")),
        ("upstash-sigpost-deduplication-window", "90d1s", window("90d1s")),
    ] {
        assert_eq!(error(name, value), message);
    }
    for (name, value, message) in [
        (
            "upstash-sigpost-deduplication-release-on-failure",
            "1",
            "Upstash-Sigpost-Deduplication-Release-On-Failure: must be true or false, got \"1\"",
        ),
        (
            "upstash-sigpost-dedup-window",
            "1s",
            "Upstash-Sigpost-Dedup-Window: unknown header, did you mean Upstash-Sigpost-Deduplication-Window?",
        ),
        ("upstash-forward-upstash-sigpost-x", "1", "Upstash-Sigpost-X: unknown header"),
        ("upstash-sigpost-", "1", "Upstash-Sigpost-: unknown header"),
        (
            "upstash-sigpost-cron",
            "* * * * * *",
            "Upstash-Sigpost-Cron: cannot be used here, create a schedule with /v2/schedules",
        ),
        (
            "upstash-sigpost-catch-up",
            "all",
            "Upstash-Sigpost-Catch-Up: cannot be used here, create a schedule with /v2/schedules",
        ),
    ] {
        assert_eq!(error(name, value), message);
    }
    assert_eq!(parse(&[("upstash-sigpost-x", " ")]), Options::default());
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
        ("upstash-queue-name", "q"),
        ("upstash-flow-control-key", "k"),
        ("upstash-flow-control-value", "rate=1"),
        ("upstash-redact-fields", "headers"),
        ("upstash-sigpost-priority", "-5"),
        ("upstash-sigpost-deduplication-window", "90d"),
        ("upstash-sigpost-deduplication-release-on-failure", "True"),
    ]);
    let json = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options);
}
