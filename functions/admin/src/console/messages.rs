//! Message list: search, filters and pages. Each message has its current state.

use std::collections::{BTreeSet, HashMap};

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use super::Console;
use super::elements::{empty, state, table, text_field, time};
use super::failure::Failure;
use super::page::{Page, Section, SeeOther, one};

/// Messages on a page.
const PAGE: &str = "50";
/// Maximum number of events that are read for the states of the messages of a page.
const MOST_EVENTS: &str = "1000";

/// Values of the event filter: each matches messages that have such an event.
const STATES: [(&str, &str); 6] = [
    ("", "All"),
    ("DELIVERED", "Delivered"),
    ("FAILED", "Failed"),
    ("CANCELED", "Cancelled"),
    ("ERROR", "Failed attempt"),
    ("RETRY", "Retry scheduled"),
];

/// Filters of the list. An empty one matches all messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    /// Message ID, URL or host.
    q: String,
    state: String,
    label: String,
    queue: String,
    group: String,
    schedule: String,
    key: String,
    cursor: String,
}

#[derive(Debug, Deserialize)]
struct Events {
    events: Vec<Event>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    time: i64,
    message_id: String,
    state: String,
    url: String,
    error: Option<String>,
    next_delivery_time: Option<i64>,
    queue_name: Option<String>,
    schedule_id: Option<String>,
    topic_name: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
}

impl Filter {
    /// Returns the parameters of the API.
    fn parameters(&self) -> Vec<(&'static str, &str)> {
        let search = match self.q.trim() {
            url if url.contains("://") => ("url", url),
            host => ("host", host),
        };
        let state = if self.state.is_empty() { "CREATED" } else { &self.state };
        let given = [
            search,
            ("label", &self.label),
            ("queueName", &self.queue),
            ("topicName", &self.group),
            ("scheduleId", &self.schedule),
            ("flowControlKey", &self.key),
            ("cursor", &self.cursor),
        ];
        let given = given.map(|(name, value)| (name, value.trim())).into_iter().filter(|(_, value)| !value.is_empty());
        given.chain([("state", state), ("count", PAGE), ("bodies", "false")]).collect()
    }

    /// Returns the path of the list with the same filters, from this cursor on.
    fn page(&self, cursor: &str) -> String {
        let pairs = [
            ("q", &*self.q),
            ("state", &self.state),
            ("label", &self.label),
            ("queue", &self.queue),
            ("group", &self.group),
            ("schedule", &self.schedule),
            ("key", &self.key),
            ("cursor", cursor),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
        format!("/console/messages?{}", query.finish())
    }

    fn is_empty(&self) -> bool {
        self.page("") == Self::default().page("")
    }

    /// Whether a filter under "More filters" is set.
    fn asks_for_more(&self) -> bool {
        [&self.label, &self.queue, &self.group, &self.schedule, &self.key].iter().any(|value| !value.is_empty())
    }
}

/// Serves `/console/messages`.
pub(crate) async fn list_messages(
    State(console): State<Console>,
    Query(filter): Query<Filter>,
) -> Result<Response, Failure> {
    // A message ID opens the page of the message.
    if filter.q.trim().starts_with("msg_") {
        return Ok(SeeOther(path(filter.q.trim())).into_response());
    }
    let Events { mut events, cursor } = console.api.get(&["events"], &filter.parameters()).await?;
    let mut seen = BTreeSet::new();
    events.retain(|event| seen.insert(event.message_id.clone()));
    let latest = latest(&console, &events).await?;
    let now = Timestamp::now();
    let content = html! {
        (form(&filter))
        div data-live id="messages" {
            @if events.is_empty() { (nothing(&filter)) } @else { (rows(&events, &latest, now)) }
        }
        @if let Some(cursor) = &cursor {
            p.more { a href=(filter.page(cursor)) { "Older messages" } }
        }
    };
    Ok(Page::of(Section::Messages, content).into_response())
}

/// Returns the path of a message.
pub(crate) fn path(id: &str) -> String {
    one(Section::Messages, id)
}

/// Renders a link to the messages with this filter.
pub(crate) fn filtered_by(name: &str, value: &str) -> Markup {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    html! { a href={ "/console/messages?" (query) } { (value) } }
}

/// Reads the last event of each message, which is its current state.
async fn latest(console: &Console, events: &[Event]) -> Result<HashMap<String, Event>, Failure> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = events.iter().map(|event| event.message_id.as_str()).collect();
    let query = [("messageIds", &*ids.join(",")), ("count", MOST_EVENTS), ("bodies", "false")];
    let Events { events, .. } = console.api.get(&["events"], &query).await?;
    let mut latest = HashMap::new();
    for event in events {
        latest.entry(event.message_id.clone()).or_insert(event);
    }
    Ok(latest)
}

fn rows(events: &[Event], latest: &HashMap<String, Event>, now: Timestamp) -> Markup {
    let rows = html! {
        @for event in events {
            // The last event of a message with very many events may be outside the limit.
            @let last = latest.get(&event.message_id).unwrap_or(event);
            tr {
                td { (state(&last.state)) }
                td { a.id href=(path(&event.message_id)) { (event.message_id) } }
                td.wide { (event.url) }
                td { (marks(event)) }
                td.num { (time(event.time, now)) }
                td.wide {
                    @if let Some(error) = &last.error { (error) }
                    @if let Some(next) = last.next_delivery_time { " Next attempt " (time(next, now)) "." }
                }
            }
        }
    };
    table("Messages", &["State", "Message", "Destination", "Tags", "Time", "Error"], &rows)
}

fn marks(event: &Event) -> Markup {
    html! {
        @for label in &event.labels { span.mark { (label) } " " }
        @if let Some(queue) = &event.queue_name { span.mark { "queue " (queue) } " " }
        @if let Some(schedule) = &event.schedule_id { span.mark { "schedule " (schedule) } " " }
        @if let Some(group) = &event.topic_name { span.mark { "group " (group) } }
    }
}

fn nothing(filter: &Filter) -> Markup {
    if filter.is_empty() {
        empty(
            "No messages yet. Publish one:",
            "sigpost publish https://example.com/hook --body '{\"hello\": \"world\"}'",
        )
    } else {
        html! { div.empty { p { "No messages match the filters. " a href="/console/messages" { "Show all" } } } }
    }
}

fn form(filter: &Filter) -> Markup {
    let more = [
        ("label", "Label", &filter.label),
        ("queue", "Queue", &filter.queue),
        ("group", "URL group", &filter.group),
        ("schedule", "Schedule", &filter.schedule),
        ("key", "Flow-control key", &filter.key),
    ];
    html! {
        form.filter method="get" action="/console/messages" role="search" {
            div.field.grow {
                label for="q" { "Message ID, URL or host" }
                input id="q" name="q" type="search" value=(filter.q) autocomplete="off" spellcheck="false";
            }
            div.field {
                label for="state" { "Event" }
                select id="state" name="state" {
                    @for (value, name) in STATES { option value=(value) selected[value == filter.state] { (name) } }
                }
            }
            button.primary { "Search" }
            details.more open[filter.asks_for_more()] {
                summary { "More filters" }
                div.fields {
                    @for (name, text, value) in more { (text_field("field", name, text, value, false)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_called_as_the_api_calls_them_and_empty_ones_are_left_out() {
        let filter = Filter { q: " example.com ".to_owned(), queue: "mail".to_owned(), ..Filter::default() };
        let expected = [
            ("host", "example.com"),
            ("queueName", "mail"),
            ("state", "CREATED"),
            ("count", PAGE),
            ("bodies", "false"),
        ];
        assert_eq!(filter.parameters(), expected);
        let filter =
            Filter { q: "https://example.com/a?b".to_owned(), state: "FAILED".to_owned(), ..Filter::default() };
        assert_eq!(filter.parameters()[..2], [("url", "https://example.com/a?b"), ("state", "FAILED")]);
        assert_eq!(
            filter.page("c&d"),
            "/console/messages?q=https%3A%2F%2Fexample.com%2Fa%3Fb&state=FAILED&cursor=c%26d"
        );
    }
}
