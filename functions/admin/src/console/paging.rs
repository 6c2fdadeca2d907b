//! Lists of more than one page.

use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// Where a page begins; empty: with the first item.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cursor {
    pub(crate) cursor: String,
}

/// The way to the next page, if there is one. `besides` are the parameters of this one.
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
