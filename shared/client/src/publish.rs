//! `/v2/publish`, `/v2/enqueue` and `/v2/batch`.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use sigpost_qstash::{BatchItem, BatchSlot, Published};

use crate::path::{with_destination, with_segment};
use crate::{Call, Client};

/// Body and options of a message, in the formats of the API. The API has a default for each option that is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMessage {
    /// The body of the delivery.
    pub body: Bytes,
    /// Its `Content-Type`.
    pub content_type: Option<String>,
    /// Method of the delivery.
    pub method: Option<String>,
    /// Delay of the first attempt, such as `10s`.
    pub delay: Option<String>,
    /// Attempts after the first.
    pub retries: Option<u32>,
    /// Retry delay in milliseconds, as an expression of `retried`.
    pub retry_delay: Option<String>,
    /// Timeout of an attempt, such as `30s`.
    pub timeout: Option<String>,
    /// Labels, separated by commas.
    pub label: Option<String>,
    /// URL that receives the response of every attempt.
    pub callback: Option<String>,
    /// URL that receives the last failure.
    pub failure_callback: Option<String>,
    /// Deduplication ID.
    pub deduplication_id: Option<String>,
    /// Further headers: `Upstash-…` options and, as `Upstash-Forward-…`, headers of the delivery.
    pub headers: Vec<(String, String)>,
}

impl NewMessage {
    /// Creates a message with the content type `application/json` and no other options.
    pub fn json() -> Self {
        Self { content_type: Some("application/json".to_owned()), ..Self::default() }
    }

    /// Adds a header of the delivery.
    pub fn forward(&mut self, name: &str, value: &str) {
        self.headers.push((format!("Upstash-Forward-{name}"), value.to_owned()));
    }

    pub(crate) fn add_to<T>(&self, call: Call<T>) -> Call<T> {
        let retries = self.retries.map(|retries| retries.to_string());
        let options = [
            (CONTENT_TYPE.as_str(), &self.content_type),
            ("Upstash-Method", &self.method),
            ("Upstash-Delay", &self.delay),
            ("Upstash-Retries", &retries),
            ("Upstash-Retry-Delay", &self.retry_delay),
            ("Upstash-Timeout", &self.timeout),
            ("Upstash-Label", &self.label),
            ("Upstash-Callback", &self.callback),
            ("Upstash-Failure-Callback", &self.failure_callback),
            ("Upstash-Deduplication-Id", &self.deduplication_id),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let further = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        call.headers(given.chain(further)).body(self.body.clone())
    }
}

impl Client {
    /// Publishes a message to a URL or a URL group.
    pub fn publish_message(&self, destination: &str, message: &NewMessage) -> Call<Published> {
        message.add_to(self.call(Method::POST, with_destination("/v2/publish", destination)))
    }

    /// Publishes a message through a queue.
    pub fn enqueue_message(&self, queue: &str, destination: &str, message: &NewMessage) -> Call<Published> {
        let path = with_segment("/v2/enqueue", queue, "").and_then(|path| with_destination(&path, destination));
        message.add_to(self.call(Method::POST, path))
    }

    /// Publishes many messages. The response has the result of each item, in their order.
    pub fn publish_batch(&self, items: &[BatchItem]) -> Call<Vec<BatchSlot>> {
        self.call(Method::POST, Ok("/v2/batch".to_owned())).json(&items)
    }
}
