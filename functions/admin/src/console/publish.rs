//! Form to publish a message or job.

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};
use reqwest::Method;
use serde_json::Value;

use super::Console;
use super::elements::{text_area, text_field};
use super::failure::Failure;
use super::form::Posted;
use super::messages::path;
use super::notice::Notice;
use super::page::{Page, Section, SeeOther};
use super::session::Session;

/// Form fields and the headers of the API that they set.
const OPTIONS: [(&str, &str); 4] =
    [("retries", "Upstash-Retries"), ("delay", "Upstash-Delay"), ("label", "Upstash-Label"), ("type", "Content-Type")];

/// Serves `/console/publish`.
pub(crate) async fn show_form(State(console): State<Console>, Extension(session): Extension<Session>) -> Page {
    let content = html! {
        form.stack method="post" action="/console/publish" {
            (session.field())
            (destination_field(&console))
            (text_area("body", "Body", "{}"))
            div.fields {
                (text_field("field", "retries", "Retries", "0", false))
                (text_field("field", "delay", "Delay (10s, 5m)", "", false))
                (text_field("field", "label", "Label", "console", false))
                (text_field("field", "type", "Content type", "application/json", false))
            }
            button.primary { "Publish" }
        }
    };
    Page::of(Section::Publish, content)
}

/// Renders the destination field, with the job types as suggestions.
pub(super) fn destination_field(console: &Console) -> Markup {
    html! {
        div.field {
            label for="destination" { "Destination (URL or URL group)" }
            input id="destination" name="destination" list="jobs" required autocomplete="off" spellcheck="false";
            datalist id="jobs" { @for (name, url) in console.jobs.iter() { option value=(url) { (name) } } }
        }
    }
}

/// Publishes the message. Redirects to it if there is exactly one.
pub(crate) async fn publish(
    State(console): State<Console>,
    Extension(posted): Extension<Posted>,
) -> Result<SeeOther, Failure> {
    let destination = posted.text("destination");
    if destination.is_empty() {
        return Err(Failure::bad_request("destination: is missing"));
    }
    let mut request = console.api.request(Method::POST, &["publish", destination], &[])?;
    for (field, header) in OPTIONS {
        if !posted.text(field).is_empty() {
            request = request.header(header, posted.header(field)?);
        }
    }
    let published: Value = console.api.read(request.body(posted.exact("body").to_owned())).await?;
    Ok(match published["messageId"].as_str() {
        Some(id) => SeeOther::with(&path(id), Notice::Published, None),
        None => {
            let count = published.as_array().map_or(0, Vec::len);
            SeeOther::with(Section::Messages.path(), Notice::PublishedMany, Some(count))
        }
    })
}
