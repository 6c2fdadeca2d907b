//! Pages of lists that are arrays in QStash: the address of the next page is in the header `Link` (RFC 8288).

use axum::Json;
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sigpost_qstash::Invalid;
use sigpost_qstash::next_page::to_link;
use sigpost_store::page::{Page, Paged};
use url::form_urlencoded::Serializer;

use crate::api::parameter::{Kind, Parameter};
use crate::api::query::Query;

const MOST: i64 = 1000;

/// What a page is asked by.
pub(crate) const PAGE: &[Parameter] = &[
    Parameter::one("count", Kind::Integer, "How many at most, 1 to 1000. Default 1000.").extension(),
    Parameter::one("cursor", Kind::Text, "Where the page before ended, as its header Link has it.").extension(),
];

/// A page as it was asked for.
pub(crate) struct Asked {
    pub(crate) after: String,
    count: Option<i64>,
}

impl Asked {
    pub(crate) fn of(query: &Query) -> Result<Self, Invalid> {
        let after = query.exact("cursor").into_iter().next().unwrap_or_default();
        Ok(Self { after, count: query.count(MOST)? })
    }

    pub(crate) fn page(&self) -> Page<'_> {
        Page { after: &self.after, count: self.count.unwrap_or(MOST) }
    }

    /// The items, with what the request had besides as parameters of the next page's address.
    pub(crate) fn respond<T: Serialize>(&self, found: Paged<T>, besides: &[(&str, &str)]) -> Response {
        let response = Json(found.items).into_response();
        let Some(next) = found.next else { return response };
        let mut query = Serializer::new(String::new());
        query.extend_pairs(besides.iter().filter(|(_, value)| !value.is_empty()));
        if let Some(count) = self.count {
            query.append_pair("count", &count.to_string());
        }
        let link = to_link(&query.append_pair("cursor", &next).finish());
        ([(LINK, link)], response).into_response()
    }
}
