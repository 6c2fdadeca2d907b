//! Parsing arbitrary input returns a value or an error, and never panics.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use sigpost_qstash::duration::MAX_DURATION;
use sigpost_qstash::{
    BatchItem, Cron, Cursor, DeadLetterId, Destination, EditEndpoints, FlowControl, Limits, MessageId, Options, Params,
    Redact, RetryDelay, ScheduleOptions, Signer, SigningKeys, Target, UpsertQueue, UrlGroupDefaults, Verifier,
    parse_duration, parse_go_duration, parse_resource_name, retry_after,
};

fn now() -> impl Strategy<Value = Timestamp> {
    (0..4_102_444_800_i64).prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Returns names of real parameters with similar values.
fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "(upstash-)?(failure-|callback-|forward-)?(method|timeout|retries|retry-delay|delay\
        |not-before|deduplication-id|content-based-deduplication|callback|failure-callback|label\
        |header-forward|content-type|connection|cron|queue-name|flow-control-(key|value)|redact-fields|schedule-id\
        |(forward-upstash-)?sigpost-(priority|cron|catch-up|deduplication-(window|release-on-failure)\
        |flow-control-(key|value)-[0-9])|[a-zA-Z -]{0,8})";
    let value = "(true|GET|https://[a-z]{1,3}[/?&=:@%.\\\\]{0,4}|[0-9]{0,25}[dhms.,]{0,3}|\\PC{0,8}|.{0,4}\
        |rate=[0-9]|body,header\\[x\\]|(\\* ){4,5}\\*|all)";
    proptest::collection::vec((name, value), 0..8)
}

proptest! {
    #[test]
    fn text_never_panics(text in any::<String>()) {
        let _ = parse_duration("f", &text);
        let _ = parse_go_duration(&text);
        let _ = text.parse::<MessageId>();
        let _ = text.parse::<DeadLetterId>();
        let _ = text.parse::<Cursor>();
        let _ = Destination::parse(&text);
        let _ = Destination::from_raw(&text, Some(&text));
        let _ = Params::from_request(&HeaderMap::new(), Some(&text));
        let _ = parse_resource_name("f", &text);
        let _ = Cron::parse("f", &text);
        let _ = Cron::parse_with_seconds("f", &text);
        let _ = FlowControl::parse(String::new(), "f", &text);
        let _ = FlowControl::parse_key("f", &text);
        let _ = Redact::parse("f", &text);
        let _ = RetryDelay::parse("f", &text);
    }

    #[test]
    fn bodies_never_panic(
        text in "([\\[\\]{}:,]|null|true|-?[0-9]{1,20}|\"(destination|headers|body|queue|endpoints|url|name|queueName\
            |parallelism|paused|https://a|[A-Z-]{0,8})\"){0,20}",
        bytes in proptest::collection::vec(any::<u8>(), 0..16),
    ) {
        for body in [text.as_bytes(), &bytes] {
            let _ = BatchItem::parse_all(body).map(|items| items.for_each(drop));
            let _ = UpsertQueue::parse(body);
            let _ = EditEndpoints::parse(body).map(|edit| (edit.clone().to_add(), edit.to_remove()));
            let _ = UrlGroupDefaults::parse(body);
        }
    }

    #[test]
    fn redactions_round_trip(text in "(body|headers?(\\[[a-zA-Z -]{0,6}\\])?|[ ,x]|,){0,8}") {
        if let Ok(redact) = Redact::parse("f", &text) {
            prop_assert_eq!(Redact::parse("f", &redact.to_text()), Ok(redact));
        }
    }

    #[test]
    fn flow_control_values_round_trip(
        value in "((rate|parallelism|period) ?= ?[0-9]{0,11}[smhd.]?,? ?){0,4}",
    ) {
        if let Ok(flow_control) = FlowControl::parse("k".to_owned(), "f", &value) {
            let json = serde_json::to_string(&flow_control).unwrap();
            prop_assert_eq!(serde_json::from_str::<FlowControl>(&json).unwrap(), flow_control.clone());
            let bound = |name: &str, number: Option<u32>| number.map(|number| format!("{name}={number}"));
            let period = format!("period={}", flow_control.period.as_secs());
            let [parallelism, rate] = [("parallelism", flow_control.parallelism), ("rate", flow_control.rate)]
                .map(|(name, number)| bound(name, number));
            let again = parallelism.into_iter().chain(rate).chain([period]).collect::<Vec<_>>().join(",");
            prop_assert_eq!(FlowControl::parse("k".to_owned(), "f", &again), Ok(flow_control));
        }
    }

    #[test]
    fn durations_never_panic(text in "([0-9]{0,30}[.]?[0-9]{0,30}(d|h|m|s|ms|µs|ns)?){0,5}") {
        if let Ok(duration) = parse_duration("f", &text) {
            prop_assert!(duration <= MAX_DURATION);
            prop_assert_eq!(parse_duration("f", &format!("{:.3}s", duration.as_secs_f64())), Ok(duration));
        }
        let _ = parse_go_duration(&text);
    }

    #[test]
    fn what_resembles_an_expression_never_panics(
        text in "([0-9.]{1,4}|[-+*/%(),e ]|retried|pow[(]|min[(]|exp[(]|[)]){0,60}",
        retried in any::<u32>(),
    ) {
        if let Ok(delay) = RetryDelay::parse("f", &text) {
            prop_assert!(delay.delay(retried).is_none_or(|delay| delay.as_secs() <= 86_400));
            prop_assert_eq!(RetryDelay::parse("f", &delay.to_string()), Ok(delay));
        }
    }

    #[test]
    fn what_resembles_a_request_never_panics(
        pairs in parameters(),
        bytes in proptest::collection::vec(any::<u8>(), 0..16),
        query in "((upstash-[a-z-]{0,12}|[a-z]{0,3}|qstash_token)=?[a-z%0-9+]{0,5}&?){0,5}",
        now in now(),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &pairs {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            headers.append("upstash-label", value.clone());
            headers.append("retry-after", value);
        }
        let _ = retry_after(&headers, now);
        let batch_item = Params::from_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
        for params in [Params::from_request(&headers, Some(&query)), batch_item] {
            if let Ok(params) = &params {
                let _ = ScheduleOptions::parse(params, &Limits::default(), now);
            }
            if let Ok(params) = params
                && let Ok(options) = Options::parse(&params, &Limits::default(), now)
            {
                prop_assert!(options.start.not_before(now) >= now);
                let values = options.headers.map().values().map(Vec::len).sum::<usize>();
                prop_assert_eq!(options.headers.to_http().len(), values);
                let json = serde_json::to_string(&options).unwrap();
                prop_assert_eq!(serde_json::from_str::<Options>(&json).unwrap(), options);
            }
        }
        if let Ok(Target::Url(url)) = Destination::from_raw("https://a.com/x", Some(&query)) {
            for (name, _) in url.url().query_pairs() {
                prop_assert!(name != "qstash_token" && !name.starts_with("upstash-"));
            }
        }
    }

    #[test]
    fn ids_round_trip(uuid in any::<[u8; 16]>(), ms in 0..i64::MAX, seq in 0..i64::MAX) {
        let id = MessageId(uuid::Uuid::from_bytes(uuid));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let id = DeadLetterId { failed_at_ms: ms, seq };
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        for seq in [None, Some(seq)] {
            let cursor = Cursor { at_ms: ms, seq };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn every_signature_verifies(
        url in any::<String>(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
        now in now(),
    ) {
        let keys = SigningKeys::dev();
        let verifier = Verifier::new(&keys, sigpost_qstash::verify::DEFAULT_TOLERANCE);
        let token = Signer::new(&keys.current).sign(&url, &body, now);
        prop_assert!(verifier.verify(&token, &url, &body, now).is_ok());
    }

    #[test]
    fn arbitrary_tokens_never_verify(token in "[A-Za-z0-9_.-]{0,80}|.{0,40}", now in now()) {
        let verifier = Verifier::new(&SigningKeys::dev(), std::time::Duration::ZERO);
        prop_assert!(verifier.verify(&token, "", b"", now).is_err());
    }
}
