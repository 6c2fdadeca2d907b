//! URL groups and their endpoints.

use axum::Extension;
use axum::extract::{Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Console;
use super::confirm;
use super::elements::{Button, empty, table, text_field, time};
use super::failure::Failure;
use super::form::Posted;
use super::messages::filtered_by;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::paging::{Cursor, next_page};
use super::session::Session;

const LIST: &str = "/console/url-groups";
const REMOVE: &str =
    "Remove this endpoint? A group without endpoints is deleted. Published messages are still delivered.";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    updated_at: i64,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    name: Option<String>,
    url: String,
}

/// Serves `/console/url-groups`.
pub(crate) async fn list_groups(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Query(Cursor { cursor }): Query<Cursor>,
) -> Result<Page, Failure> {
    let (groups, next) = console.api.list::<Group>(&["topics"], &[("cursor", &cursor)]).await?;
    let now = Timestamp::now();
    let content = html! {
        div data-live id="groups" {
            @if groups.is_empty() {
                (empty(
                    "No URL groups. A message for a URL group is delivered to each of its endpoints. Adding the first endpoint creates the group:",
                    "curl -X POST $QSTASH_URL/v2/topics/my-group/endpoints -H \"Authorization: Bearer $QSTASH_TOKEN\" \\\n  \
                     -d '{\"endpoints\": [{\"url\": \"https://example.com/hook\"}]}'",
                ))
            }
            @for group in &groups {
                section {
                    h2 { (filtered_by("group", &group.name)) }
                    p.hint { "Updated " (time(group.updated_at, now)) "." }
                    (table(&format!("Endpoints of {}", group.name), &["URL", "Name", "Actions"], &rows(&session, group)))
                }
            }
        }
        (next_page(LIST, &[], next.as_deref()))
        h2 { "Add an endpoint" }
        form.line method="post" action={ (LIST) "/add" } {
            (session.field())
            (text_field("field", "group", "Group", "", true))
            (text_field("field grow", "url", "URL", "", true))
            (text_field("field", "name", "Name (optional)", "", false))
            button { "Add" }
        }
    };
    Ok(Page::of(Section::UrlGroups, content))
}

fn rows(session: &Session, group: &Group) -> Markup {
    html! {
        @for endpoint in &group.endpoints {
            @let fields = [("group", &*group.name), ("url", &*endpoint.url)];
            tr {
                td.wide { (endpoint.url) }
                td { (endpoint.name.as_deref().unwrap_or("–")) }
                td {
                    (Button::new(session, &format!("{LIST}/remove"), "Remove").of(&endpoint.url).fields(&fields).confirm(REMOVE).draw())
                }
            }
        }
    }
}

async fn edit(console: &Console, method: Method, posted: &Posted, endpoint: &Value) -> Result<(), Failure> {
    let request = console.api.request(method, &["topics", posted.text("group"), "endpoints"], &[])?;
    console.api.done(request.json(&json!({ "endpoints": [endpoint] }))).await
}

pub(crate) async fn add_endpoint(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let (url, name) = (posted.text("url"), posted.text("name"));
    let endpoint = if name.is_empty() { json!({ "url": url }) } else { json!({ "url": url, "name": name }) };
    edit(&console, Method::POST, &posted, &endpoint).await?;
    Ok(SeeOther::with(LIST, Notice::EndpointAdded, None))
}

pub(crate) async fn remove_endpoint(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
) -> Result<Result<SeeOther, Page>, Failure> {
    if !posted.is_confirmed() {
        let action = format!("{LIST}/remove");
        return Ok(Err(confirm::ask(Section::UrlGroups, REMOVE, &session, &posted, &action, LIST)));
    }
    edit(&console, Method::DELETE, &posted, &json!({ "url": posted.exact("url") })).await?;
    Ok(Ok(SeeOther::with(LIST, Notice::EndpointRemoved, None)))
}
