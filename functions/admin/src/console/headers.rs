//! Headers, in a list that is closed at first.

use std::collections::BTreeMap;

use maud::{Markup, html};

/// Headers as the API has them.
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
