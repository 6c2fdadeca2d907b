//! Sends requests to the API of a process and records the responses.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use reqwest::{Client, Method, header};
use serde_json::Value;
use tokio::time::sleep;

use crate::history::{Publish, now};
use crate::journal::Journal;
use crate::process::TOKEN;

/// Request timeout, longer than any fault: a stopped process responds after SIGCONT.
const TIMEOUT: Duration = Duration::from_secs(30);
const ACCEPTED_WITHIN: Duration = Duration::from_secs(30);

/// A request to the API.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) kind: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// The message to cancel.
    pub(super) cancels: Option<String>,
}

pub(crate) struct Publisher {
    client: Client,
    urls: Vec<String>,
    sink: String,
    journal: Journal,
}

impl Publisher {
    pub(crate) fn new(urls: Vec<String>, sink: &str, journal: Journal) -> Result<Self> {
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { client, urls, sink: sink.to_owned(), journal })
    }

    pub(super) fn sink(&self) -> &str {
        &self.sink
    }

    pub(super) fn processes(&self) -> usize {
        self.urls.len()
    }

    /// Sends the request once, records the result, and returns the IDs of the messages.
    pub(super) async fn publish(&self, process: usize, number: u64, request: &Request) -> Vec<String> {
        let began = now();
        let response = self.send(process, request).await;
        let (status, has_retry_after, body) = match response {
            Some((status, has_retry_after, body)) => (Some(status), has_retry_after, body),
            None => (None, false, Value::Null),
        };
        let messages = match &request.cancels {
            Some(id) => vec![id.clone()],
            None => message_ids(&body),
        };
        self.journal.publish(Publish {
            kind: request.kind,
            number,
            process,
            began,
            ended: now(),
            status,
            has_retry_after,
            messages: messages.clone(),
            is_cancellation: request.cancels.is_some(),
        });
        messages
    }

    /// Sends the request to the processes in turn until it succeeds.
    pub(super) async fn publish_until_accepted(&self, request: Request) -> Result<()> {
        let deadline = Instant::now() + ACCEPTED_WITHIN;
        let mut process = 0;
        loop {
            let response = self.send(process, &request).await;
            match response {
                Some((200..=299, ..)) => return Ok(()),
                _ if Instant::now() >= deadline => bail!("{} {}: {response:?}", request.method, request.path),
                _ => sleep(Duration::from_millis(300)).await,
            }
            process = (process + 1) % self.urls.len();
        }
    }

    async fn send(&self, process: usize, request: &Request) -> Option<(u16, bool, Value)> {
        let url = format!("{}{}", self.urls[process], request.path);
        let mut sent = self.client.request(request.method.clone(), url).bearer_auth(TOKEN).body(request.body.clone());
        sent = sent.header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        let response = sent.send().await.ok()?;
        let status = response.status().as_u16();
        let has_retry_after = response.headers().contains_key(header::RETRY_AFTER);
        // An incomplete response counts as no response.
        let body = response.bytes().await.ok()?;
        Some((status, has_retry_after, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

/// Returns the IDs in the response to a publish or a batch. Items of a batch can be errors.
fn message_ids(body: &Value) -> Vec<String> {
    let id = |item: &Value| item["messageId"].as_str().map(ToOwned::to_owned);
    match body {
        Value::Array(items) => items.iter().filter_map(id).collect(),
        one => id(one).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::message_ids;

    #[test]
    fn ids_are_those_of_a_publish_or_of_the_stored_items_of_a_batch() {
        assert_eq!(message_ids(&json!({"messageId": "msg_1"})), ["msg_1"]);
        assert_eq!(message_ids(&json!([{"messageId": "msg_1"}, {"error": "internal"}])), ["msg_1"]);
        assert!(message_ids(&json!(null)).is_empty());
    }
}
