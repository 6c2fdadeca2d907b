//! Pagination of lists that are arrays in QStash: the URL of the next page is in the header `Link` (RFC 8288).

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

/// Query parameters of a page.
pub(crate) const PAGE: &[Parameter] = &[
    Parameter::one("count", Kind::Integer, "Maximum number of items, 1 to 1000. Default 1000.").extension(),
    Parameter::one("cursor", Kind::Text, "The cursor from the header Link of the previous page.").extension(),
];

/// The requested page.
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

    /// Returns the items. The URL of the next page repeats the other parameters of the request.
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
