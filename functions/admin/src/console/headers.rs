//! Headers in a collapsed list.

use std::collections::BTreeMap;

use maud::{Markup, html};

/// Headers in the format of the API.
pub(crate) type Headers = BTreeMap<String, Vec<String>>;

pub(crate) fn show_headers(title: &str, headers: &Headers) -> Markup {
    html! {
        @if !headers.is_empty() {
            details {
                summary { (title) }
                dl { @for (name, values) in headers { dt { (name) } dd { (values.join(", ")) } } }
            }
        }
    }
}
