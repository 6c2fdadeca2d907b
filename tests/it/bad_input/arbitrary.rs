//! Random requests, composed of values that often cause errors.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::stored::start_with_one_of_each;

const REQUESTS: u64 = 500;
/// Much longer than a response takes on a slow machine.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
const PATHS: &str = "\
    /v2/publish/{}|/v2/publish/https://example.com/{}|/v2/enqueue/{}/{}|\
    /v2/enqueue/q/https://example.com|/v2/batch|/v2/messages|/v2/messages/|/v2/messages/{}|\
    /v2/messages/{}/retry|/v2/events|/v2/logs|/v2/dlq|/v2/dlq/{}|/v2/dlq/retry|/v2/dlq/retry/{}|\
    /v2/queues|/v2/queues/{}|/v2/queues/{}/pause|/v2/queues/{}/{}|/v2/topics|/v2/topics/{}|\
    /v2/topics/g/endpoints|/v2/topics/{}/endpoints|/v2/schedules|/v2/schedules/{}|\
    /v2/Schedules/{}/pause|/v2/schedules/https://example.com|/v2/flowControl|/v2/flowControl/{}|\
    /v2/flowControl/{}/pin|/v2/flowControl/k/unpin|/v2/{}|/{}";
const VALUES: &str = "\
    |q|g|s|k|1|0|-1|1.5|1-1|true|True|msg_1|%00|%ff|%c3%28|%|%zz|%2F|%2e%2e|..|a%20b|%F0%9F%92%A5|a,b|,|\
    %27%3B--|%25s|9223372036854775807|9223372036854775807-1|99999999999999999999|-9223372036854775808|\
    https://example.com|https%3A%2F%2Fexample.com|http://[::1|* * * * *|rate=1|null";
const NAMES: &str = "\
    messageIds|messageId|dlqIds|count|cursor|order|state|url|host|path|label|topicName|queueName|\
    scheduleId|flowControlKey|callerIp|fromDate|toDate|responseStatus|search|parallelism|rate|period|\
    qstash_token|upstash-retries|upstash-delay|upstash-label|upstash-method|upstash-callback|\
    upstash-forward-x|upstash-header-forward|upstash-sigpost-priority|upstash-deduplication-id";
const HEADERS: &str = "\
    upstash-cron|upstash-schedule-id|upstash-queue-name|upstash-flow-control-key|\
    upstash-flow-control-value|upstash-retry-delay|upstash-not-before|upstash-timeout|\
    upstash-redact-fields|upstash-callback|upstash-callback-delay|\
    upstash-forward-upstash-sigpost-priority|upstash-header-forward|content-type|upstash-label|\
    upstash-content-based-deduplication";
const KEYS: &str = "\
    queueName|parallelism|paused|endpoints|url|name|headers|Upstash-Retries|destination|body|queue|\
    messageIds|dlqIds|label";
const SCALARS: &str = concat!(
    r#"null|true|0|-1|1.5|1e300|99999999999999999999|""|"q"|"a\u0000b"|"\ud800"|"https://example.com"|"#,
    r#""ftp://x"|"100"|nonsense|"\uFFFF""#,
);

/// A small Lehmer generator, so that a failure can be repeated from the number of its request.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        usize::try_from(self.0 >> 8).expect("small") % most
    }

    /// Returns one of the alternatives between the bars.
    fn one(&mut self, of: &'static str) -> &'static str {
        let count = of.split('|').count();
        of.split('|').nth(self.below(count)).expect("within")
    }

    fn path(&mut self) -> String {
        let mut path = self.one(PATHS).to_owned();
        while path.contains("{}") {
            path = path.replacen("{}", self.one(VALUES), 1);
        }
        for number in 0..self.below(4) {
            let joint = if number == 0 { '?' } else { '&' };
            path = format!("{path}{joint}{}={}", self.one(NAMES), self.one(VALUES));
        }
        path
    }

    /// Returns JSON, sometimes truncated.
    fn json(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 2 } else { 6 }) {
            0 | 1 => self.one(SCALARS).to_owned(),
            2 | 3 => {
                let fields: Vec<_> =
                    (0..self.below(4)).map(|_| format!("\"{}\":{}", self.one(KEYS), self.json(depth - 1))).collect();
                format!("{{{}}}", fields.join(","))
            }
            _ => {
                let items: Vec<_> = (0..self.below(3)).map(|_| self.json(depth - 1)).collect();
                format!("[{}]", items.join(","))
            }
        }
    }

    fn body(&mut self) -> Vec<u8> {
        let mut body = self.json(4).into_bytes();
        if self.below(10) == 0 {
            body.truncate(self.below(body.len() + 1));
        }
        if self.below(10) == 0 {
            body.push(0xff);
        }
        body
    }

    fn header_value(&mut self) -> HeaderValue {
        let value = self.one(VALUES).as_bytes();
        let bytes = if self.below(8) == 0 { &b"\xff\xfe"[..] } else { value };
        HeaderValue::from_bytes(bytes).expect("no control character")
    }
}

#[tokio::test]
async fn random_requests_get_json_and_no_500() {
    let app = start_with_one_of_each().await;
    let mut seen = std::collections::BTreeMap::<u16, u64>::new();
    for number in 1..=REQUESTS {
        let mut dice = Dice(number * 7_919);
        for _ in 0..10 {
            dice.below(1);
        }
        let method = METHODS[dice.below(METHODS.len())].clone();
        let path = dice.path();
        let mut request = app.request(method.clone(), &path);
        let mut shown = format!("{method} {path}");
        for _ in 0..dice.below(4) {
            let (name, value) = (dice.one(HEADERS), dice.header_value());
            shown = format!("{shown} {name}: {value:?}");
            request = request.header(name, value);
        }
        let body = dice.body();
        shown = format!("request {number}: {shown} {}", String::from_utf8_lossy(&body));

        let response = timeout(ANSWERED_WITHIN, request.body(body).send()).await;
        let response = response
            .unwrap_or_else(|_| panic!("no response to {shown}"))
            .unwrap_or_else(|why| panic!("{shown}: {why}"));
        let status = response.status();
        let id = response.headers()["sigpost-request-id"].clone();
        *seen.entry(status.as_u16()).or_default() += 1;
        let text = response.text().await.expect("a complete response");
        assert!(!status.is_server_error(), "{status} to {shown}: {text}");
        let json: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} without JSON to {shown}: {text}"));
        if !status.is_success() {
            assert!(json["error"].as_str().is_some_and(|error| !error.is_empty()), "{status} to {shown}: {text}");
            assert!(json["code"].is_string() && json["requestId"] == id.to_str().expect("text"), "{shown}: {text}");
            let has_words_of_rust = ["invalid type", "missing field", "expected u", "expected i"];
            assert!(!has_words_of_rust.iter().any(|words| text.contains(words)), "{shown}: {text}");
        }
    }
    // Some requests are rejected and some are accepted.
    for status in [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED] {
        assert!(seen.get(&status.as_u16()).is_some_and(|count| *count > REQUESTS / 100), "{seen:?}");
    }
}
