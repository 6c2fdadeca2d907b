//! Queue list: lag, parallelism and pausing.

use axum::Extension;
use axum::extract::{Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Console;
use super::elements::{Button, empty, number, state, table, text_field, time};
use super::failure::Failure;
use super::form::Posted;
use super::messages::filtered_by;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::paging::{Cursor, next_page};
use super::session::Session;

const LIST: &str = "/console/queues";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queue {
    pub(super) name: String,
    updated_at: i64,
    parallelism: u32,
    pub(super) paused: bool,
    pub(super) lag: i64,
}

/// Serves `/console/queues`.
pub(crate) async fn list_queues(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Query(Cursor { cursor }): Query<Cursor>,
) -> Result<Page, Failure> {
    let (queues, next) = console.api.list::<Queue>(&["queues"], &[("cursor", &cursor)]).await?;
    let now = Timestamp::now();
    let content = html! {
        div data-live id="queues" {
            @if queues.is_empty() {
                (empty(
                    "No queues. A queue delivers its messages in order, with limited parallelism. Enqueuing the first message creates it:",
                    "curl -X POST $QSTASH_URL/v2/enqueue/my-queue/https://example.com/hook -H \"Authorization: Bearer $QSTASH_TOKEN\" -d '{}'",
                ))
            } @else {
                (table("Queues", &["Queue", "State", "Lag", "Parallelism", "Updated", "Actions"], &rows(&session, &queues, now)))
            }
        }
        (next_page(LIST, &[], next.as_deref()))
        h2 { "Create or update a queue" }
        form.line method="post" action={ (LIST) "/set" } {
            (session.field())
            (text_field("field", "queue", "Name", "", true))
            (text_field("field short", "parallelism", "Parallelism", "1", true))
            button { "Save" }
        }
    };
    Ok(Page::of(Section::Queues, content))
}

fn rows(session: &Session, queues: &[Queue], now: Timestamp) -> Markup {
    html! {
        @for queue in queues {
            @let fields = [("queue", &*queue.name)];
            tr {
                td { (filtered_by("queue", &queue.name)) }
                td { (state(if queue.paused { "paused" } else { "running" })) }
                td.num { (number(queue.lag)) }
                td.num { (queue.parallelism) }
                td.num { (time(queue.updated_at, now)) }
                td {
                    div.actions {
                        @if queue.paused {
                            (Button::new(session, &format!("{LIST}/resume"), "Resume").of(&queue.name).fields(&fields).draw())
                        } @else {
                            (Button::new(session, &format!("{LIST}/pause"), "Pause").of(&queue.name).fields(&fields).draw())
                        }
                    }
                }
            }
        }
    }
}

pub(crate) async fn pause_queue(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    console.api.call(Method::POST, &["queues", posted.text("queue"), "pause"]).await?;
    Ok(SeeOther::with(LIST, Notice::QueuePaused, None))
}

pub(crate) async fn resume_queue(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    console.api.call(Method::POST, &["queues", posted.text("queue"), "resume"]).await?;
    Ok(SeeOther::with(LIST, Notice::QueueResumed, None))
}

/// Creates a queue or changes its parallelism. A paused queue stays paused.
pub(crate) async fn set_queue(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let name = posted.text("queue");
    let parallelism: u32 = posted.number("parallelism")?;
    let paused = match console.api.get::<Queue>(&["queues", name], &[]).await {
        Ok(queue) => queue.paused,
        // The queue does not exist, or its name is invalid; the request below returns that error.
        Err(Failure::Rejected { .. }) => false,
        Err(failure) => return Err(failure),
    };
    let settings = json!({ "queueName": name, "parallelism": parallelism, "paused": paused });
    console.api.done(console.api.request(Method::POST, &["queues"], &[])?.json(&settings)).await?;
    Ok(SeeOther::with(LIST, Notice::QueueSaved, None))
}
