//! Responses of the handlers: a page without its frame, or a redirect to another page.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::notice::Notice;

/// Section of the console, an item of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Overview,
    Messages,
    DeadLetters,
    Queues,
    FlowControl,
    Schedules,
    UrlGroups,
    Keys,
    Publish,
}

impl Section {
    pub(crate) const ALL: [Self; 9] = [
        Self::Overview,
        Self::Messages,
        Self::DeadLetters,
        Self::Queues,
        Self::FlowControl,
        Self::Schedules,
        Self::UrlGroups,
        Self::Keys,
        Self::Publish,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Messages => "Messages",
            Self::DeadLetters => "Dead letters",
            Self::Queues => "Queues",
            Self::FlowControl => "Flow control",
            Self::Schedules => "Schedules",
            Self::UrlGroups => "URL groups",
            Self::Keys => "Keys",
            Self::Publish => "Publish",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Messages => "/console/messages",
            Self::DeadLetters => "/console/dead-letters",
            Self::Queues => "/console/queues",
            Self::FlowControl => "/console/flow-control",
            Self::Schedules => "/console/schedules",
            Self::UrlGroups => "/console/url-groups",
            Self::Keys => "/console/keys",
            Self::Publish => "/console/publish",
        }
    }
}

/// A page. [`guard`](super::guard) adds the frame, which needs the session.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Its section, if any.
    pub(crate) section: Option<Section>,
    /// Its heading.
    pub(crate) title: String,
    pub(crate) content: Markup,
}

impl Page {
    /// Returns the first page of a section.
    pub(crate) fn of(section: Section, content: Markup) -> Self {
        Self::titled(section, section.name(), content)
    }

    pub(crate) fn titled(section: Section, title: impl Into<String>, content: Markup) -> Self {
        Self { status: StatusCode::OK, section: Some(section), title: title.into(), content }
    }

    /// Returns an error page.
    pub(crate) fn rejection(status: StatusCode, title: &str, reason: &str) -> Self {
        let content = html! { div.notice.bad role="alert" { p { (reason) } } };
        Self { status, section: None, title: title.to_owned(), content }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Redirect (303) to another page of the console.
#[derive(Clone, Debug)]
pub(crate) struct SeeOther(pub(crate) String);

impl SeeOther {
    /// Redirects to a page with a notice. It replaces a notice in the query of `page`.
    pub(crate) fn with(page: &str, notice: Notice, count: Option<usize>) -> Self {
        let (path, query) = page.split_once('?').unwrap_or((page, ""));
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "notice" && name != "n");
        pairs.extend_pairs(kept).append_pair("notice", notice.code());
        if let Some(count) = count {
            pairs.append_pair("n", &count.to_string());
        }
        Self(format!("{path}?{}", pairs.finish()))
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        match HeaderValue::from_str(&self.0) {
            Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        }
    }
}

/// Characters that are escaped in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// Returns the path of an item: `/console/messages/msg_...`.
pub(crate) fn one(section: Section, id: &str) -> String {
    format!("{}/{}", section.path(), utf8_percent_encode(id, SEGMENT))
}

/// Returns `page` if it is a path of the console, which rules out redirects to other sites.
pub(crate) fn local(page: &str) -> Option<&str> {
    let path = page.split(['?', '#']).next().unwrap_or_default();
    let is_ours = path == "/console" || path.starts_with("/console/");
    (is_ours && page.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_on_the_site() {
        for page in ["/console", "/console/messages?state=FAILED&label=a%20b", "/console/keys"] {
            assert_eq!(local(page), Some(page));
        }
        for page in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console",
            "/consoles",
            "/console\\x",
            "/console/\r\nx",
            "/v2",
        ] {
            assert_eq!(local(page), None, "{page:?}");
        }
    }

    #[test]
    fn a_notice_takes_the_place_of_the_last_one() {
        let SeeOther(to) = SeeOther::with("/console/messages?notice=cancelled&n=1&label=a+b", Notice::Due, None);
        assert_eq!(to, "/console/messages?label=a+b&notice=due");
    }
}
