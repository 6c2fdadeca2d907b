//! `sigpost tail`: prints events of messages.

mod reader;

use std::time::Duration;

use anyhow::{Error, Result};
use clap::Args;
use serde_json::Value;
use tokio::time::sleep;

use self::reader::{LATE_MS, Reader};
use crate::api_client::{Api, ApiArgs, Refused, with_query};
use crate::filter_args::{MessageFilterArgs, Parameters, moment};
use crate::output;
use crate::table::{harmless, list, text, time};

/// Interval between two requests.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest pause between retries while the deployment does not respond.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Rows of a page: the maximum of the API.
const PAGE: &str = "1000";

/// Print events of messages, one per line, without payloads and headers.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sigpost tail -n 50
  sigpost tail --follow --state ERROR --state FAILED
  sigpost tail --follow --label invoices --json | jq .messageId")]
pub(crate) struct Tail {
    /// Print new events until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    /// Newest events to begin with, 1 to 1000.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    lines: u16,
    /// Begin at this time instead: how long ago (`2h`), or a time (`2026-01-31T12:00:00Z`).
    #[arg(long, value_name = "WHEN", value_parser = moment, conflicts_with = "lines")]
    since: Option<i64>,
    #[command(flatten, next_help_heading = "Filters")]
    filter: MessageFilterArgs,
    /// Messages to this host.
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Events with this state: CREATED, ACTIVE, RETRY, ERROR, DELIVERED, FAILED, CANCEL_REQUESTED or CANCELED.
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
    #[command(flatten, next_help_heading = None)]
    api: ApiArgs,
}

impl Tail {
    pub(crate) async fn run(self) -> Result<()> {
        tokio::select! {
            ended = self.print() => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    }

    /// Prints events until the pipe is closed, or, without --follow, until all existing events are printed.
    async fn print(&self) -> Result<()> {
        let api = self.api.open()?;
        let mut reader = None;
        let mut failures = 0;
        loop {
            match self.next(&api, &mut reader).await {
                Ok(events) => {
                    failures = 0;
                    for event in events {
                        if !output::line(&self.line(&event))? {
                            return Ok(());
                        }
                    }
                }
                Err(error) if self.follow && is_passing(&error) => {
                    if failures == 0 {
                        eprintln!("{error:#}; retrying until it responds");
                    }
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
            if !self.follow {
                return Ok(());
            }
            sleep(pause(failures)).await;
        }
    }

    /// Fetches the events to print next. The first call also determines the start.
    async fn next(&self, api: &Api, reader: &mut Option<Reader>) -> Result<Vec<Value>> {
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(self.begin(api).await?),
        };
        let events = self.read(api, reader.since_ms()).await?;
        Ok(reader.fresh(events))
    }

    /// Creates a reader that begins at --since, or at the newest --lines events.
    async fn begin(&self, api: &Api) -> Result<Reader> {
        if let Some(since) = self.since {
            return Ok(Reader::from(since));
        }
        // The API also limits the bytes of a page, so a page can have fewer events than `count`.
        let oldest_of = async |parameters: Parameters<'_>, count: u16| -> Result<Option<i64>> {
            let (mut missing, mut cursor, mut oldest) = (usize::from(count), None::<String>, None);
            loop {
                let mut parameters = parameters.clone();
                parameters.push(("count", missing.to_string().into()));
                parameters.extend(cursor.take().map(|cursor| ("cursor", cursor.into())));
                let page = api.get(&with_query("/v2/events", &parameters)).await?;
                let events = list(&page["events"]);
                oldest = events.last().and_then(|event| event["time"].as_i64()).or(oldest);
                missing = missing.saturating_sub(events.len());
                cursor = page["cursor"].as_str().map(str::to_owned);
                if missing == 0 || cursor.is_none() {
                    return Ok(oldest);
                }
            }
        };
        if let Some(time) = oldest_of(self.parameters(), self.lines).await? {
            return Ok(Reader::with_newest(time, usize::from(self.lines)));
        }
        // Nothing matches yet: begin at the newest event, less the time by which an event can be committed late.
        let any = vec![("bodies", "false".into())];
        Ok(Reader::from(oldest_of(any, 1).await?.map_or(0, |time| time - LATE_MS)))
    }

    /// Fetches all events from this time on, the oldest first.
    async fn read(&self, api: &Api, from_ms: i64) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let mut parameters = self.parameters();
            parameters.push(("order", "earliestFirst".into()));
            parameters.push(("count", PAGE.into()));
            parameters.push(("fromDate", from_ms.to_string().into()));
            parameters.extend(cursor.take().map(|cursor| ("cursor", cursor.into())));
            let mut page = api.get(&with_query("/v2/events", &parameters)).await?;
            cursor = page["cursor"].as_str().map(str::to_owned);
            if let Value::Array(rows) = page["events"].take() {
                events.extend(rows);
            }
            if cursor.is_none() {
                return Ok(events);
            }
        }
    }

    fn parameters(&self) -> Parameters<'_> {
        let mut parameters = self.filter.parameters();
        // Bodies are not printed.
        parameters.push(("bodies", "false".into()));
        parameters.extend(self.host.iter().map(|host| ("host", host.into())));
        parameters.extend(self.state.iter().map(|state| ("state", state.into())));
        parameters
    }

    fn line(&self, event: &Value) -> String {
        if self.api.json {
            return without_payload(event).to_string();
        }
        let status = if event["responseStatus"].is_null() { String::new() } else { text(&event["responseStatus"]) };
        let error = event["error"].as_str().map(harmless).unwrap_or_default();
        let [state, id, url] = ["state", "messageId", "url"].map(|name| text(&event[name]));
        let line = format!("{}  {state:<16}  {id}  {url}  {status}  {error}", time(&event["time"]));
        line.trim_end().to_owned()
    }
}

/// Returns the pause before the next request, after this number of consecutive failures.
fn pause(failures: u32) -> Duration {
    PERIOD.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_PAUSE)
}

/// Whether a retry can succeed: no response, a server error or 429.
fn is_passing(error: &Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_none_or(|refused| refused.status.is_server_error() || refused.status.as_u16() == 429)
}

/// Removes bodies and headers, which can contain secrets, from an event.
fn without_payload(event: &Value) -> Value {
    let mut event = event.clone();
    if let Value::Object(fields) = &mut event {
        fields.retain(|name, _| {
            let name = name.to_ascii_lowercase();
            !name.contains("body") && !name.contains("header")
        });
    }
    event
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{pause, without_payload};

    #[test]
    fn pauses_double_while_the_deployment_does_not_answer() {
        let seconds = [0, 1, 2, 3, 4, 5, 6, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [1, 1, 2, 4, 8, 15, 15, 15]);
    }

    #[test]
    fn payloads_and_headers_are_left_out() {
        let event = json!({
            "time": 1, "messageId": "msg_1", "body": "c2VjcmV0", "header": { "A": ["secret"] }, "responseBody": "c2VjcmV0",
            "responseHeader": {}, "responseHeaders": {}, "callbackHeaders": {}, "error": "why",
        });
        assert_eq!(without_payload(&event), json!({ "time": 1, "messageId": "msg_1", "error": "why" }));
    }
}
