//! Dead letter list: search, retry and delete.

use axum::Extension;
use axum::extract::{Query, State};
use jiff::Timestamp;
use maud::{Markup, html};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Console;
use super::confirm;
use super::dead_letter::{Errors, Letter, path};
use super::elements::{empty, table, text_field, time};
use super::failure::Failure;
use super::form::Posted;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther, local};
use super::session::Session;

pub(super) const LIST: &str = "/console/dead-letters";
/// Dead letters on a page.
const PAGE: &str = "50";
/// Maximum number of API calls of one "Retry all", each for up to 100 dead letters.
const MOST_CALLS: usize = 20;

/// Filters of the list. An empty one matches all dead letters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    url: String,
    status: String,
    label: String,
    queue: String,
    schedule: String,
    key: String,
    cursor: String,
}

#[derive(Debug, Deserialize)]
struct Letters {
    messages: Vec<Letter>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Retried {
    responses: Vec<Value>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Deleted {
    deleted: usize,
}

impl Filter {
    /// Returns the parameters of the API without the cursor.
    fn parameters(&self) -> Vec<(&'static str, &str)> {
        let given = [
            ("url", &*self.url),
            ("responseStatus", &self.status),
            ("label", &self.label),
            ("queueName", &self.queue),
            ("scheduleId", &self.schedule),
            ("flowControlKey", &self.key),
        ];
        given.map(|(name, value)| (name, value.trim())).into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    fn fields(&self) -> [(&'static str, &'static str, &str); 6] {
        [
            ("url", "Destination URL", &self.url),
            ("status", "Response status (0: none)", &self.status),
            ("label", "Label", &self.label),
            ("queue", "Queue", &self.queue),
            ("schedule", "Schedule", &self.schedule),
            ("key", "Flow-control key", &self.key),
        ]
    }

    fn page(&self, cursor: &str) -> String {
        let pairs = self.fields().map(|(name, _, value)| (name, value)).into_iter().chain([("cursor", cursor)]);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.filter(|(_, value)| !value.is_empty()));
        format!("{LIST}?{}", query.finish())
    }
}

/// Serves `/console/dead-letters`.
pub(crate) async fn list_dead_letters(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Query(filter): Query<Filter>,
) -> Result<Page, Failure> {
    let mut query = filter.parameters();
    query.extend([("count", PAGE), ("bodies", "false")]);
    if !filter.cursor.is_empty() {
        query.push(("cursor", &filter.cursor));
    }
    let Letters { messages: letters, cursor } = console.api.get(&["dlq"], &query).await?;
    let list = match &letters[..] {
        [] => nothing(&filter),
        letters => chosen(&session, &filter, letters, &Errors::read(&console, letters).await?),
    };
    let content = html! {
        (form(&filter))
        div data-live id="letters" { (list) }
        @if let Some(cursor) = &cursor {
            p.more { a href=(filter.page(cursor)) { "Older dead letters" } }
        }
    };
    Ok(Page::of(Section::DeadLetters, content))
}

const DELETE: &str = "Delete these dead letters? Their messages can no longer be retried.";
const RETRY_ALL: &str = "Retry all matching dead letters? Their messages are published again.";

/// Retries the selected dead letters.
pub(crate) async fn retry_chosen(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let (ids, back) = (posted.all("id"), back(&posted));
    if ids.is_empty() {
        return Ok(SeeOther::with(back, Notice::NoneChosen, None));
    }
    let request = console.api.request(Method::POST, &["dlq", "retry"], &[])?.json(&json!({ "dlqIds": ids }));
    let Retried { responses, .. } = console.api.read(request).await?;
    Ok(SeeOther::with(back, Notice::LettersRetried, Some(responses.len())))
}

/// Deletes the selected dead letters after a confirmation.
pub(crate) async fn delete_chosen(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
) -> Result<Result<SeeOther, Page>, Failure> {
    let (ids, back) = (posted.all("id"), back(&posted));
    if ids.is_empty() {
        return Ok(Ok(SeeOther::with(back, Notice::NoneChosen, None)));
    }
    if !posted.is_confirmed() {
        let action = format!("{LIST}/delete");
        return Ok(Err(confirm::ask(Section::DeadLetters, DELETE, &session, &posted, &action, back)));
    }
    let request = console.api.request(Method::DELETE, &["dlq"], &[])?.json(&json!({ "dlqIds": ids }));
    let Deleted { deleted } = console.api.read(request).await?;
    Ok(Ok(SeeOther::with(back, Notice::LettersDeleted, Some(deleted))))
}

/// Retries the dead letters that match the filter and existed when the page was rendered. Messages that fail again
/// in the meantime are not retried again.
pub(crate) async fn retry_matching(
    State(console): State<Console>,
    Extension(session): Extension<Session>,
    Extension(posted): Extension<Posted>,
) -> Result<Result<SeeOther, Page>, Failure> {
    let of = |name: &str| posted.text(name).to_owned();
    let filter = Filter {
        url: of("url"),
        status: of("status"),
        label: of("label"),
        queue: of("queue"),
        schedule: of("schedule"),
        key: of("key"),
        cursor: String::new(),
    };
    if !posted.is_confirmed() {
        let (action, back) = (format!("{LIST}/retry-all"), filter.page(""));
        return Ok(Err(confirm::ask(Section::DeadLetters, RETRY_ALL, &session, &posted, &action, &back)));
    }
    let mut query = filter.parameters();
    query.push(("toDate", posted.text("until")));
    let (mut cursor, mut retried) = (String::new(), 0);
    for _ in 0..MOST_CALLS {
        let of_cursor = [("cursor", &*cursor)];
        let query: Vec<_> = query.iter().chain(of_cursor.iter().filter(|_| !cursor.is_empty())).copied().collect();
        let page: Retried = console.api.read(console.api.request(Method::POST, &["dlq", "retry"], &query)?).await?;
        retried += page.responses.len();
        match page.cursor {
            Some(more) => cursor = more,
            None => return Ok(Ok(SeeOther::with(&filter.page(""), Notice::LettersRetried, Some(retried)))),
        }
    }
    Ok(Ok(SeeOther::with(&filter.page(""), Notice::MoreLetters, Some(retried))))
}

/// Renders the list with its buttons for the selected and for all dead letters.
fn chosen(session: &Session, filter: &Filter, letters: &[Letter], errors: &Errors) -> Markup {
    let now = Timestamp::now();
    html! {
        form method="post" action={ (LIST) "/retry" } {
            (session.field())
            input type="hidden" name="back" value=(filter.page(&filter.cursor));
            div.actions {
                button { "Retry selected" }
                button.danger formaction={ (LIST) "/delete" } data-confirm=(DELETE) { "Delete selected" }
            }
            (rows(letters, errors, now))
        }
        (retry_all(session, filter, now))
    }
}

fn back(posted: &Posted) -> &str {
    local(posted.text("back")).unwrap_or(LIST)
}

fn rows(letters: &[Letter], errors: &Errors, now: Timestamp) -> Markup {
    let rows = html! {
        @for letter in letters {
            tr {
                td { input type="checkbox" name="id" value=(letter.dlq_id) aria-label={ "Select " (letter.message.message_id) }; }
                td { a.id href=(path(&letter.dlq_id)) { (letter.message.message_id) } }
                td.wide { (letter.message.url) }
                td.num { (letter.status()) }
                td.wide { (letter.reason(errors)) }
                td.num { (time(letter.message.created_at, now)) }
            }
        }
    };
    table("Dead letters", &["Select", "Message", "Destination", "Status", "Error", "Published"], &rows)
}

fn retry_all(session: &Session, filter: &Filter, now: Timestamp) -> Markup {
    let is_filtered = !filter.parameters().is_empty();
    html! {
        form.button method="post" action={ (LIST) "/retry-all" } data-confirm=(RETRY_ALL) {
            (session.field())
            @for (name, _, value) in filter.fields() { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="until" value=(now.as_millisecond());
            button.danger { @if is_filtered { "Retry all matching" } @else { "Retry all" } }
        }
    }
}

fn nothing(filter: &Filter) -> Markup {
    if filter.parameters().is_empty() {
        empty(
            "No dead letters. A message is moved here after its last failed attempt. To create one:",
            "sigpost publish http://127.0.0.1:9/closed-port --retries 0",
        )
    } else {
        html! { div.empty { p { "No dead letters match the filters. " a href=(LIST) { "Show all" } } } }
    }
}

fn form(filter: &Filter) -> Markup {
    html! {
        form.filter method="get" action=(LIST) role="search" {
            @let [url, status, more @ ..] = filter.fields();
            @for (class, (name, text, value)) in [("field grow", url), ("field", status)] {
                (text_field(class, name, text, value, false))
            }
            button.primary { "Search" }
            details.more open[more.iter().any(|(_, _, value)| !value.is_empty())] {
                summary { "More filters" }
                div.fields {
                    @for (name, text, value) in more { (text_field("field", name, text, value, false)) }
                }
            }
        }
    }
}
