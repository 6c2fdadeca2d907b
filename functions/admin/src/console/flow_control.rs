//! Flow-control keys: limits, pausing and pinning.

use axum::Extension;
use axum::extract::{Query, State};
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;

use super::Console;
use super::elements::{Button, badge, empty, number, state, table, text_field};
use super::failure::Failure;
use super::form::Posted;
use super::messages::filtered_by;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::paging::next_page;
use super::session::Session;

const LIST: &str = "/console/flow-control";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    search: String,
    cursor: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    flow_control_key: String,
    wait_list_size: i64,
    parallelism_max: u32,
    parallelism_count: i64,
    rate_max: u32,
    rate_count: i64,
    rate_period: u64,
    is_pinned_parallelism: bool,
    is_pinned_rate: bool,
    is_paused: bool,
}

/// Serves `/console/flow-control`.
pub(crate) async fn list_keys(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Query(Filter { search, cursor }): Query<Filter>,
) -> Result<Page, Failure> {
    let query = [("search", search.trim()), ("cursor", &cursor)];
    let (keys, next) = console.api.list::<Key>(&["flowControl"], &query).await?;
    let columns = ["Key", "State", "Wait list", "Parallelism", "Rate", "Actions"];
    let content = html! {
        form.filter method="get" action=(LIST) role="search" {
            (text_field("field grow", "search", "Key contains", &search, false))
            button.primary { "Search" }
        }
        div data-live id="keys" {
            @if keys.is_empty() {
                (empty(
                    "No flow-control keys. Messages with the same key share limits on parallelism and rate:",
                    "curl -X POST $QSTASH_URL/v2/publish/https://example.com/hook -H \"Authorization: Bearer $QSTASH_TOKEN\" \\\n  \
                     -H 'Upstash-Flow-Control-Key: customer-7' -H 'Upstash-Flow-Control-Value: parallelism=2, rate=10, period=1m'",
                ))
            } @else {
                (table("Flow-control keys", &columns, &rows(&session, &keys)))
            }
        }
        (next_page(LIST, &[("search", search.trim())], next.as_deref()))
        h2 { "Pin limits" }
        p.hint { "Messages set the limits of their key. They do not change a pinned limit until it is unpinned." }
        form.line method="post" action={ (LIST) "/pin" } {
            (session.field())
            (text_field("field", "key", "Key", "", true))
            (text_field("field short", "parallelism", "Parallelism", "", false))
            (text_field("field short", "rate", "Rate", "", false))
            (text_field("field short", "period", "Period (1m)", "", false))
            button { "Pin" }
        }
    };
    Ok(Page::of(Section::FlowControl, content))
}

fn rows(session: &Session, keys: &[Key]) -> Markup {
    let pinned = |is_pinned: bool| html! { @if is_pinned { " " (badge("active", "◆", "pinned")) } };
    html! {
        @for key in keys {
            @let fields = [("key", &*key.flow_control_key)];
            @let button = |path: &str, label: &str| {
                Button::new(session, &format!("{LIST}/{path}"), label).of(&key.flow_control_key).fields(&fields).draw()
            };
            tr {
                td.wide { (filtered_by("key", &key.flow_control_key)) }
                td { (state(if key.is_paused { "paused" } else { "running" })) }
                td.num { (number(key.wait_list_size)) }
                td.num {
                    (key.parallelism_count) " of " (limit(key.parallelism_max)) (pinned(key.is_pinned_parallelism))
                }
                td.num {
                    @if key.rate_max > 0 { (key.rate_count) " of " (key.rate_max) " per " (key.rate_period) " s" } @else { "unlimited" }
                    (pinned(key.is_pinned_rate))
                }
                td {
                    div.actions {
                        @if key.is_paused { (button("resume", "Resume")) } @else { (button("pause", "Pause")) }
                        @if key.is_pinned_parallelism || key.is_pinned_rate { (button("unpin", "Unpin")) }
                        @if key.rate_max > 0 { (button("reset", "Reset rate")) }
                    }
                }
            }
        }
    }
}

fn limit(most: u32) -> String {
    if most == 0 { "unlimited".to_owned() } else { most.to_string() }
}

async fn call(
    console: &Console,
    posted: &Posted,
    action: &str,
    query: &[(&str, &str)],
    notice: Notice,
) -> Result<SeeOther, Failure> {
    let request = console.api.request(Method::POST, &["flowControl", posted.text("key"), action], query)?;
    console.api.done(request).await?;
    Ok(SeeOther::with(LIST, notice, None))
}

pub(crate) async fn pause_key(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    call(&console, &posted, "pause", &[], Notice::KeyPaused).await
}

pub(crate) async fn resume_key(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    call(&console, &posted, "resume", &[], Notice::KeyResumed).await
}

/// Pins the limits that the form sets.
pub(crate) async fn pin_key(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let limits = ["parallelism", "rate", "period"].map(|name| (name, posted.text(name)));
    let given: Vec<_> = limits.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    call(&console, &posted, "pin", &given, Notice::KeyPinned).await
}

pub(crate) async fn unpin_key(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    call(&console, &posted, "unpin", &[("parallelism", "true"), ("rate", "true")], Notice::KeyUnpinned).await
}

/// Starts a new rate period.
pub(crate) async fn reset_rate(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    call(&console, &posted, "resetRate", &[], Notice::RateReset).await
}
