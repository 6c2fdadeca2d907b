//! Dead letter page: the message and its last response.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, State};
use jiff::Timestamp;
use maud::html;
use reqwest::Method;
use serde::Deserialize;

use super::Console;
use super::confirm;
use super::elements::{Button, badge};
use super::failure::Failure;
use super::form::Posted;
use super::headers::{Headers, show_headers};
use super::message::{Message, facts};
use super::messages;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther, one};
use super::payload::{self, from_base64};
use super::session::Session;

/// Maximum number of characters of an error in the list.
const REASON_CHARS: usize = 160;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Letter {
    pub(crate) dlq_id: String,
    #[serde(flatten)]
    pub(crate) message: Message,
    response_status: u16,
    #[serde(default)]
    response_header: Headers,
    response_body: Option<String>,
    response_body_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Republished {
    message_id: String,
}

/// Response body of a handler whose job failed.
#[derive(Deserialize)]
struct Rejection {
    error: String,
}

impl Letter {
    pub(crate) fn status(&self) -> String {
        if self.response_status == 0 { "none".to_owned() } else { self.response_status.to_string() }
    }

    /// Returns the error on one line: the `error` of a handler's response, else the start of the response body, else
    /// the error in the log.
    pub(crate) fn reason(&self, errors: &Errors) -> String {
        let answer = self.response_body.as_deref().unwrap_or_default();
        let line = match serde_json::from_str(answer) {
            Ok(Rejection { error }) => error,
            Err(_) if answer.is_empty() => errors.of(&self.message.message_id).to_owned(),
            Err(_) => answer.to_owned(),
        };
        line.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(REASON_CHARS).collect()
    }

    fn response(&self) -> Vec<u8> {
        match (&self.response_body, &self.response_body_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(encoded)) => from_base64(encoded),
            (None, None) => Vec::new(),
        }
    }
}

/// Errors of failed messages in the log, by message ID.
pub(crate) struct Errors(HashMap<String, String>);

#[derive(Deserialize)]
struct Log {
    events: Vec<Failed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    message_id: String,
    error: Option<String>,
}

impl Errors {
    /// Reads the errors of the messages of these dead letters. `letters` is not empty.
    pub(crate) async fn read(console: &Console, letters: &[Letter]) -> Result<Self, Failure> {
        let ids: Vec<&str> = letters.iter().map(|letter| letter.message.message_id.as_str()).collect();
        let query = [("messageIds", &*ids.join(",")), ("state", "FAILED"), ("bodies", "false")];
        let Log { events } = console.api.get(&["events"], &query).await?;
        Ok(Self(events.into_iter().filter_map(|event| Some((event.message_id, event.error?))).collect()))
    }

    fn of(&self, message_id: &str) -> &str {
        self.0.get(message_id).map_or("", String::as_str)
    }
}

/// Returns the path of a dead letter.
pub(super) fn path(id: &str) -> String {
    one(Section::DeadLetters, id)
}

/// Serves `/console/dead-letters/{id}`.
pub(crate) async fn show_dead_letter(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Path(id): Path<String>,
) -> Result<Page, Failure> {
    let letter: Letter = console.api.get(&["dlq", &id], &[]).await?;
    let errors = Errors::read(&console, std::slice::from_ref(&letter)).await?;
    let error = errors.of(&letter.message.message_id);
    let now = Timestamp::now();
    let message_path = messages::path(&letter.message.message_id);
    let content = html! {
        div.actions {
            (badge("bad", "✗", "failed"))
            (Button::new(&session, &format!("{}/retry", path(&id)), "Retry").draw())
            (Button::new(&session, &format!("{}/delete", path(&id)), "Delete").confirm(DELETE).draw())
            a.action href=(message_path) { "View message" }
        }
        section {
            h2 { "Last response" }
            p { "Status: " strong { (letter.status()) } @if !error.is_empty() { span.error { (error) } } }
            (payload::show(&letter.response(), None))
            (show_headers("Response headers", &letter.response_header))
        }
        section {
            h2 { "Message" }
            (facts(&letter.message, now))
        }
        section {
            h2 { "Payload" }
            (payload::show(&letter.message.payload.bytes(), Some(&format!("{message_path}/payload"))))
            (show_headers("Request headers", &letter.message.header))
        }
    };
    Ok(Page::titled(Section::DeadLetters, format!("Dead letter of {}", letter.message.message_id), content))
}

const DELETE: &str = "Delete this dead letter? Its message can no longer be retried.";

/// Publishes its message again and redirects to the new message.
pub(crate) async fn retry_dead_letter(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<SeeOther, Failure> {
    let request = console.api.request(Method::POST, &["dlq", "retry", &id], &[])?;
    let Republished { message_id } = console.api.read(request).await?;
    Ok(SeeOther::with(&messages::path(&message_id), Notice::Republished, None))
}

/// Deletes the dead letter after a confirmation.
pub(crate) async fn delete_dead_letter(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
    Path(id): Path<String>,
) -> Result<Result<SeeOther, Page>, Failure> {
    if !posted.is_confirmed() {
        let action = format!("{}/delete", path(&id));
        return Ok(Err(confirm::ask(Section::DeadLetters, DELETE, &session, &posted, &action, &path(&id))));
    }
    console.api.call(Method::DELETE, &["dlq", &id]).await?;
    Ok(Ok(SeeOther::with(Section::DeadLetters.path(), Notice::LettersDeleted, Some(1))))
}
