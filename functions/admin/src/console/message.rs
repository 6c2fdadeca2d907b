//! Message page: properties, attempts with their responses, runs and log.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;
use sigpost_store::runs::{self, Run};

use super::Console;
use super::elements::{self, Button, duration, full, state, table, time};
use super::failure::Failure;
use super::form::Posted;
use super::headers::{Headers, show_headers};
use super::messages::{filtered_by, path};
use super::notice::Notice;
use super::page::{Page, Section, SeeOther, one};
use super::payload::{self, Payload, from_base64, shown_text};
use super::session::Session;
use crate::connection::connection;

/// Maximum number of log rows on the page.
const MOST_EVENTS: &str = "500";

/// Header of a redriven message with the ID of the message that was published first.
const ORIGINAL_MESSAGE_ID: &str = "Upstash-Original-Message-Id";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) message_id: String,
    pub(super) url: String,
    pub(super) method: String,
    pub(super) max_retries: u32,
    pub(super) not_before: i64,
    pub(super) created_at: i64,
    pub(super) topic_name: Option<String>,
    pub(super) endpoint_name: Option<String>,
    pub(super) queue_name: Option<String>,
    pub(super) schedule_id: Option<String>,
    #[serde(default)]
    pub(super) header: Headers,
    #[serde(flatten)]
    pub(super) payload: Payload,
    pub(super) callback: Option<String>,
    pub(super) failure_callback: Option<String>,
    #[serde(rename = "callerIP")]
    pub(super) caller_ip: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    pub(super) flow_control_key: Option<String>,
    #[serde(default)]
    pub(super) priority: i32,
    pub(super) retry_delay_expression: Option<String>,
    pub(super) timeout: Option<f64>,
    pub(super) state: Option<String>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

impl Message {
    /// For a redriven message, the message that was published first. Its runs may have completed this one.
    fn original_id(&self) -> Option<&str> {
        self.header.get(ORIGINAL_MESSAGE_ID)?.first().map(String::as_str)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    attempt: u32,
    started_at: i64,
    ended_at: Option<i64>,
    state: String,
    response_status: Option<u16>,
    #[serde(default)]
    response_header: Headers,
    #[serde(default)]
    response_body: String,
    error: Option<String>,
    next_delivery_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Events {
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    time: i64,
    state: String,
    error: Option<String>,
    response_status: Option<u16>,
    next_delivery_time: Option<i64>,
}

#[derive(Deserialize)]
struct Letters {
    messages: Vec<Letter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Letter {
    dlq_id: String,
}

/// Serves `/console/messages/{id}`.
pub(crate) async fn show_message(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Page, Failure> {
    let message: Message = console.api.get(&["messages", &id], &[]).await?;
    let log = [("messageId", &*id), ("count", MOST_EVENTS), ("order", "earliestFirst"), ("bodies", "false")];
    let Events { events } = console.api.get(&["events"], &log).await?;
    let letter = match message.state.as_deref() {
        Some("FAILED") => {
            let query = [("messageId", &*id), ("count", "1"), ("bodies", "false")];
            let Letters { messages } = console.api.get(&["dlq"], &query).await?;
            messages.into_iter().next()
        }
        _ => None,
    };
    let runs = runs::find_by_message(&mut *connection(&console.database).await?, &message.message_id).await?;
    let now = Timestamp::now();
    let content = html! {
        // An ended message does not change.
        div data-live[is_open(&message)] id="life" {
            (actions(&session, &message, letter.as_ref()))
            section {
                h2 { "Message" }
                (facts(&message, now))
            }
            section {
                h2 { "Attempts" }
                @if message.attempts.is_empty() { p.hint { "No attempts yet." } }
                @for attempt in message.attempts.iter().rev() { (show_attempt(attempt, now)) }
            }
            section {
                h2 { "Runs" }
                @if runs.is_empty() { p.hint { "No run is recorded." } }
                @for run in runs.iter().rev() { (show_run(run, now)) }
            }
            section {
                h2 { "Log" }
                (log_table(&events, now))
            }
        }
        section {
            h2 { "Payload" }
            (payload::show(&message.payload.bytes(), Some(&format!("{}/payload", path(&message.message_id)))))
            (show_headers("Request headers", &message.header))
        }
    };
    Ok(Page::titled(Section::Messages, message.message_id, content))
}

/// Serves `/console/messages/{id}/payload`: the payload as a file.
pub(crate) async fn download_payload(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let message: Message = console.api.get(&["messages", &id], &[]).await?;
    Ok(payload::download(message.payload.bytes(), &message.message_id))
}

/// Makes the message due now.
pub(crate) async fn retry_message(State(console): State<Console>, Path(id): Path<String>) -> Result<SeeOther, Failure> {
    console.api.call(Method::POST, &["messages", &id, "retry"]).await?;
    Ok(SeeOther::with(&path(&id), Notice::Due, None))
}

/// Cancels the message after a confirmation.
pub(crate) async fn cancel_message(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
    Path(id): Path<String>,
) -> Result<Result<SeeOther, Page>, Failure> {
    if !posted.is_confirmed() {
        let action = format!("{}/cancel", path(&id));
        return Ok(Err(super::confirm::ask(Section::Messages, CANCEL, &session, &posted, &action, &path(&id))));
    }
    console.api.call(Method::DELETE, &["messages", &id]).await?;
    Ok(Ok(SeeOther::with(&path(&id), Notice::Cancelled, None)))
}

const CANCEL: &str = "Cancel this message? It will not be delivered. An attempt in flight is aborted.";

fn actions(session: &Session, message: &Message, letter: Option<&Letter>) -> Markup {
    let path = path(&message.message_id);
    let waits = matches!(message.state.as_deref(), Some("CREATED" | "RETRY"));
    html! {
        div.actions {
            @if let Some(now) = &message.state { (state(now)) }
            @if waits { (Button::new(session, &format!("{path}/retry"), "Deliver now").draw()) }
            @if is_open(message) { (Button::new(session, &format!("{path}/cancel"), "Cancel message").confirm(CANCEL).draw()) }
            @if let Some(letter) = letter {
                a.action href=(one(Section::DeadLetters, &letter.dlq_id)) { "View dead letter" }
            }
        }
    }
}

fn is_open(message: &Message) -> bool {
    matches!(message.state.as_deref(), Some("CREATED" | "RETRY" | "ACTIVE"))
}

/// Renders the properties of a message or of a dead letter as a list of terms.
pub(super) fn facts(message: &Message, now: Timestamp) -> Markup {
    let texts = [
        ("Endpoint", &message.endpoint_name),
        ("Flow-control key", &message.flow_control_key),
        ("Callback", &message.callback),
        ("Failure callback", &message.failure_callback),
        ("Retry delay", &message.retry_delay_expression),
        ("Published from", &message.caller_ip),
    ];
    html! {
        dl {
            dt { "Destination" } dd { (message.method) " " (message.url) }
            dt { "Published" } dd { (full(message.created_at, now)) }
            @if message.not_before > message.created_at { dt { "Not before" } dd { (full(message.not_before, now)) } }
            dt { "Maximum retries" } dd { (message.max_retries) }
            @if !message.labels.is_empty() {
                dt { "Labels" } dd { @for label in &message.labels { (filtered_by("label", label)) " " } }
            }
            @if let Some(original) = message.original_id() {
                dt { "Original message" } dd { a href=(path(original)) { (original) } }
            }
            @if let Some(queue) = &message.queue_name { dt { "Queue" } dd { (filtered_by("queue", queue)) } }
            @if let Some(schedule) = &message.schedule_id { dt { "Schedule" } dd { (filtered_by("schedule", schedule)) } }
            @if let Some(group) = &message.topic_name { dt { "URL group" } dd { (filtered_by("group", group)) } }
            @for (term, text) in texts { @if let Some(text) = text { dt { (term) } dd { (text) } } }
            @if message.priority != 0 { dt { "Priority" } dd { (message.priority) } }
            @if let Some(timeout) = message.timeout { dt { "Timeout" } dd { (duration(timeout)) } }
        }
    }
}

fn show_attempt(attempt: &Attempt, now: Timestamp) -> Markup {
    let body = from_base64(&attempt.response_body);
    html! {
        details.entry id={ "attempt-" (attempt.attempt) } {
            summary {
                (state(&attempt.state))
                " Attempt " (attempt.attempt) ", " (time(attempt.started_at, now))
                @if let Some(ended) = attempt.ended_at { ", took " (span(ended - attempt.started_at)) }
                @if let Some(status) = attempt.response_status { ", status " strong { (status) } }
                @if let Some(error) = &attempt.error { span.error { (error) } }
            }
            @if let Some(next) = attempt.next_delivery_time { p { "Next attempt: " (full(next, now)) } }
            @if let Some(error) = &attempt.error { h3 { "Error" } (shown_text(error)) }
            @if attempt.response_status.is_some() {
                h3 { "Response" }
                (payload::show(&body, None))
                (show_headers("Response headers", &attempt.response_header))
            }
        }
    }
}

fn show_run(run: &Run, now: Timestamp) -> Markup {
    let took = run.completed_at.map(|end| end.duration_since(run.started_at).as_secs_f64() * 1000.0);
    let texts =
        [("User", &run.user_id), ("Organization", &run.organization_id), ("Correlation ID", &run.correlation_id)];
    let values = [("Payload", &run.payload), ("Result", &run.result)];
    html! {
        details.entry id={ "run-" (run.id) } {
            summary {
                (state(run.status.as_str()))
                " " (run.job_type) ", attempt " (run.attempt) ", " (time(run.started_at.as_millisecond(), now))
                @if let Some(took) = took { ", took " (duration(took)) }
                @if let Some(error) = &run.error { span.error { (error) } }
            }
            @if let Some(error) = &run.error { h3 { "Error" } (shown_text(error)) }
            dl { @for (term, text) in texts { @if let Some(text) = text { dt { (term) } dd { (text) } } } }
            @for (heading, value) in values {
                @if let Some(value) = value { h3 { (heading) } (payload::show(value.to_string().as_bytes(), None)) }
            }
        }
    }
}

fn log_table(events: &[Event], now: Timestamp) -> Markup {
    let rows = html! {
        @for event in events {
            tr {
                td { (elements::event(&event.state)) }
                td.num { (full(event.time, now)) }
                td.wide {
                    @if let Some(status) = event.response_status { "Status " (status) ". " }
                    @if let Some(error) = &event.error { (error) }
                    @if let Some(next) = event.next_delivery_time { " Next attempt " (full(next, now)) "." }
                }
            }
        }
    };
    table("Log", &["Event", "Time", "Details"], &rows)
}

#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
fn span(ms: i64) -> String {
    duration(ms as f64)
}
