//! `sigpost tail`: prints events of messages.

mod reader;

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sigpost_client::{Client, Error, EventFilter};
use sigpost_qstash::{Event, EventsPage};
use tokio::time::sleep;

use self::reader::{Key, LATE_MS, Reader};
use crate::api_args::ApiArgs;
use crate::filter_args::{MessageFilterArgs, moment};
use crate::output;
use crate::table::{harmless, text, time};

/// Interval between two requests.
const PERIOD: Duration = Duration::from_secs(1);
/// Longest pause between retries while the deployment does not respond.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Rows of a page: the maximum of the API.
const PAGE: usize = 1000;

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
                Err(error) if self.follow && error.is_temporary() => {
                    if failures == 0 {
                        eprintln!("{error}; retrying until it responds");
                    }
                    failures += 1;
                }
                Err(error) => return Err(error.into()),
            }
            if !self.follow {
                return Ok(());
            }
            sleep(pause(failures)).await;
        }
    }

    /// Fetches the events to print next. The first call also determines the start.
    async fn next(&self, api: &Client, reader: &mut Option<Reader>) -> Result<Vec<Entry>, Error> {
        let reader = match reader {
            Some(reader) => reader,
            None => reader.insert(self.begin(api).await?),
        };
        let events = self.read(api, reader.since_ms()).await?;
        Ok(reader.fresh(events, Entry::key))
    }

    /// Creates a reader that begins at --since, or at the newest --lines events.
    async fn begin(&self, api: &Client) -> Result<Reader, Error> {
        if let Some(since) = self.since {
            return Ok(Reader::from(since));
        }
        if let Some(time) = oldest_of(api, &self.filter(None), usize::from(self.lines)).await? {
            return Ok(Reader::with_newest(time, usize::from(self.lines)));
        }
        // Nothing matches yet: begin at the newest event, less the time by which an event can be committed late.
        let newest = oldest_of(api, &EventFilter::default(), 1).await?;
        Ok(Reader::from(newest.map_or(0, |time| time - LATE_MS)))
    }

    /// Fetches all events from this time on, the oldest first.
    async fn read(&self, api: &Client, from_ms: i64) -> Result<Vec<Entry>, Error> {
        let call = api.list_events(&self.filter(Some(from_ms))).without_bodies().count(PAGE);
        let mut pages = call.read_as::<EventsPage<Entry>>().pages();
        let mut entries = Vec::new();
        while let Some(page) = pages.next().await? {
            entries.extend(page.events);
        }
        Ok(entries)
    }

    /// Returns the filter of the API: from this time on, the oldest first; otherwise the newest first.
    fn filter(&self, from_ms: Option<i64>) -> EventFilter {
        EventFilter {
            messages: self.filter.filter(),
            hosts: self.host.clone(),
            states: self.state.clone(),
            from_ms,
            to_ms: None,
            earliest_first: from_ms.is_some(),
        }
    }

    fn line(&self, Entry { event, json }: &Entry) -> String {
        if self.api.json {
            return without_payload(json).to_string();
        }
        let status = event.response_status.map(|status| status.to_string()).unwrap_or_default();
        let error = event.error.as_deref().map(harmless).unwrap_or_default();
        let (state, id, url) = (event.state.as_str(), event.message_id, text(&event.url));
        let line = format!("{}  {state:<16}  {id}  {url}  {status}  {error}", time(event.time));
        line.trim_end().to_owned()
    }
}

/// An event with its JSON, which may have fields that this version does not know.
struct Entry {
    event: Event,
    json: Value,
}

impl Entry {
    fn key(&self) -> Key {
        (self.event.time, self.event.message_id, self.event.state)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(from)?;
        let event = Event::deserialize(&json).map_err(D::Error::custom)?;
        Ok(Self { event, json })
    }
}

/// Returns the time of the oldest of the newest `count` events. The API also limits the bytes of a page, so a page can
/// have fewer events than `count`.
async fn oldest_of(api: &Client, filter: &EventFilter, count: usize) -> Result<Option<i64>, Error> {
    let mut pages = api.list_events(filter).without_bodies().pages();
    let (mut missing, mut oldest) = (count, None);
    while missing > 0 {
        pages = pages.count(missing);
        let Some(page) = pages.next().await? else { break };
        oldest = page.events.last().map(|event| event.time).or(oldest);
        missing = missing.saturating_sub(page.events.len());
    }
    Ok(oldest)
}

/// Returns the pause before the next request, after this number of consecutive failures.
fn pause(failures: u32) -> Duration {
    PERIOD.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_PAUSE)
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
