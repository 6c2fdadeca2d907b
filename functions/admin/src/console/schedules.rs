//! Schedule list: next firings, last firing and actions.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;
use sigpost_qstash::Cron;

use super::Console;
use super::confirm;
use super::elements::{Button, empty, state, table, text_area, text_field, time};
use super::failure::Failure;
use super::form::Posted;
use super::messages::{filtered_by, path};
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::paging::{Cursor, next_page};
use super::session::Session;

const LIST: &str = "/console/schedules";
/// Number of next firings that are shown.
const NEXT: usize = 3;
/// Milliseconds after its time from which a firing is marked as late.
const LATE_MS: i64 = 120_000;
const DELETE: &str = "Delete this schedule? It no longer fires. Its published messages are kept.";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    schedule_id: String,
    cron: String,
    destination: String,
    is_paused: bool,
    last_schedule_time: Option<i64>,
    next_schedule_time: Option<i64>,
    #[serde(default)]
    last_schedule_states: BTreeMap<String, String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    message_ids: Vec<String>,
}

/// Serves `/console/schedules`.
pub(crate) async fn list_schedules(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Query(Cursor { cursor }): Query<Cursor>,
) -> Result<Page, Failure> {
    let (schedules, next) = console.api.list::<Schedule>(&["schedules"], &[("cursor", &cursor)]).await?;
    let now = Timestamp::now();
    let columns = ["Schedule", "State", "Cron", "Next firings", "Last firing", "Destination", "Actions"];
    let content = html! {
        div data-live id="schedules" {
            @if schedules.is_empty() {
                (empty(
                    "No schedules. A schedule publishes a message at the times of a cron expression:",
                    "curl -X POST $QSTASH_URL/v2/schedules/https://example.com/hook -H \"Authorization: Bearer $QSTASH_TOKEN\" \\\n  \
                     -H 'Upstash-Cron: CRON_TZ=Europe/Berlin 0 3 * * *' -d '{}'",
                ))
            } @else {
                (table("Schedules", &columns, &html! { @for schedule in &schedules { (row(&session, schedule, now)) } }))
            }
        }
        (next_page(LIST, &[], next.as_deref()))
        h2 { "Create a schedule" }
        (form(&session, &console))
    };
    Ok(Page::of(Section::Schedules, content))
}

fn row(session: &Session, schedule: &Schedule, now: Timestamp) -> Markup {
    let fields = [("schedule", &*schedule.schedule_id)];
    let button = |path: &str, label: &str| {
        Button::new(session, &format!("{LIST}/{path}"), label).of(&schedule.schedule_id).fields(&fields).draw()
    };
    let delete = format!("{LIST}/delete");
    let delete = Button::new(session, &delete, "Delete").of(&schedule.schedule_id).fields(&fields).confirm(DELETE);
    html! {
        tr {
            td { (filtered_by("schedule", &schedule.schedule_id)) }
            td { (state(if schedule.is_paused { "paused" } else { "running" })) }
            td.num { code { (schedule.cron) } }
            td.num { (next_firings(schedule, now)) }
            td.wide { (last_firing(schedule, now)) }
            td.wide { (schedule.destination) }
            td {
                div.actions {
                    (button("run", "Run now"))
                    @if schedule.is_paused { (button("resume", "Resume")) } @else { (button("pause", "Pause")) }
                    (delete.draw())
                }
            }
        }
    }
}

/// Renders the next firing, which is stored, and the ones after it, which are computed from the cron expression.
fn next_firings(schedule: &Schedule, now: Timestamp) -> Markup {
    let Some(first) = schedule.next_schedule_time else { return html! { "none" } };
    let cron: Option<Cron> = schedule.cron.parse().ok();
    let more = std::iter::successors(Timestamp::from_millisecond(first).ok(), |at| cron.as_ref()?.next_after(*at));
    let late_ms = now.as_millisecond() - first;
    html! {
        @if !schedule.is_paused && late_ms > LATE_MS { (super::elements::badge("retry", "!", "late")) br; }
        @for (index, at) in more.take(NEXT).enumerate() {
            @if index > 0 { br; }
            (time(at.as_millisecond(), now))
        }
    }
}

fn last_firing(schedule: &Schedule, now: Timestamp) -> Markup {
    html! {
        @match schedule.last_schedule_time {
            Some(last) => (time(last, now)),
            None => "none",
        }
        @for (id, how) in &schedule.last_schedule_states { br; a href=(path(id)) { (state(how)) } }
        @if let Some(error) = &schedule.error { br; span.error { (error) } }
    }
}

fn form(session: &Session, console: &Console) -> Markup {
    html! {
        form.stack method="post" action={ (LIST) "/create" } {
            (session.field())
            (text_field("field", "cron", "Cron (minute hour day month weekday; UTC unless it starts with CRON_TZ=…)", "", true))
            (super::publish::destination_field(console))
            (text_field("field", "schedule", "ID (generated if empty)", "", false))
            (text_area("body", "Body", "{}"))
            button.primary { "Create schedule" }
        }
    }
}

pub(crate) async fn create_schedule(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let destination = posted.text("destination");
    if destination.is_empty() {
        return Err(Failure::bad_request("destination: is missing"));
    }
    let mut request = console.api.request(Method::POST, &["schedules", destination], &[])?;
    request = request.header("Upstash-Cron", posted.header("cron")?).header("Content-Type", "application/json");
    if !posted.text("schedule").is_empty() {
        request = request.header("Upstash-Schedule-Id", posted.header("schedule")?);
    }
    console.api.done(request.body(posted.exact("body").to_owned())).await?;
    Ok(SeeOther::with(LIST, Notice::ScheduleCreated, None))
}

/// Runs the schedule now. Redirects to the message if it publishes exactly one.
pub(crate) async fn run_schedule(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let request = console.api.request(Method::POST, &["schedules", posted.text("schedule"), "run"], &[])?;
    let Run { message_ids } = console.api.read(request).await?;
    Ok(match &message_ids[..] {
        [one] => SeeOther::with(&path(one), Notice::ScheduleRun, None),
        more => SeeOther::with(LIST, Notice::ScheduleRunForMany, Some(more.len())),
    })
}

pub(crate) async fn pause_schedule(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    console.api.call(Method::POST, &["schedules", posted.text("schedule"), "pause"]).await?;
    Ok(SeeOther::with(LIST, Notice::SchedulePaused, None))
}

pub(crate) async fn resume_schedule(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    console.api.call(Method::POST, &["schedules", posted.text("schedule"), "resume"]).await?;
    Ok(SeeOther::with(LIST, Notice::ScheduleResumed, None))
}

pub(crate) async fn delete_schedule(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
) -> Result<Result<SeeOther, Page>, Failure> {
    if !posted.is_confirmed() {
        let action = format!("{LIST}/delete");
        return Ok(Err(confirm::ask(Section::Schedules, DELETE, &session, &posted, &action, LIST)));
    }
    console.api.call(Method::DELETE, &["schedules", posted.text("schedule")]).await?;
    Ok(Ok(SeeOther::with(LIST, Notice::ScheduleDeleted, None)))
}
