//! Pagination of lists.

use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// Cursor of a page; empty for the first page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cursor {
    pub(crate) cursor: String,
}

/// Renders the link to the next page, if any. `besides` are the other query parameters.
pub(crate) fn next_page(list: &str, besides: &[(&str, &str)], next: Option<&str>) -> Markup {
    let address = |cursor: &str| {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(besides.iter().filter(|(_, value)| !value.is_empty()));
        format!("{list}?{}", query.append_pair("cursor", cursor).finish())
    };
    html! {
        @if let Some(cursor) = next {
            p.more { a href=(address(cursor)) { "Next page" } }
        }
    }
}
