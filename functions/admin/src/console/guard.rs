//! Middleware of all pages: session and form token checks, the page frame, and security headers.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use url::{Url, form_urlencoded};

use super::Console;
use super::form::{self, Posted};
use super::layout::{self, Frame};
use super::notice::notice;
use super::page::{Page, SeeOther};
use super::session::FORM_TOKEN;

/// Permits only the console's own styles, scripts, images and requests, and no framing.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Adds the security headers to all responses. Rejects cross-site requests other than GET and HEAD.
pub(crate) async fn protect(request: Request, next: Next) -> Response {
    let is_foreign =
        request.method() != Method::GET && request.method() != Method::HEAD && is_foreign(request.headers());
    let mut response =
        if is_foreign { layout::bare(rejected_foreign()).into_response() } else { next.run(request).await };
    for (name, value) in HEADERS {
        // Assets set their own Cache-Control.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Requires a session, and for POST also the session's form token. Adds the frame to the page in the response.
pub(crate) async fn require_session(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let Some(session) = console.sessions.of(request.headers(), Timestamp::now()) else {
        return sign_in_first(&request).into_response();
    };
    if request.method() == Method::POST {
        let body = std::mem::take(request.body_mut());
        match to_bytes(body, form::MAX_BYTES).await.map(|body| Posted::parse(&body)) {
            Ok(posted) if session.is_form_token(posted.exact(FORM_TOKEN)) => {
                request.extensions_mut().insert(posted);
            }
            Ok(_) => return layout::bare(rejected_form()).into_response(),
            Err(_) => return layout::bare(unreadable_form()).into_response(),
        }
    }
    let uri = request.uri().clone();
    request.extensions_mut().insert(session.clone());
    let mut response = next.run(request).await;
    let Some(page) = response.extensions_mut().remove::<Page>() else { return response };
    let frame = Frame { session: &session, notice: notice(uri.query()) };
    *response.body_mut() = Body::from(frame.around(&page).into_string());
    response.headers_mut().insert(header::CONTENT_TYPE, layout::HTML);
    response
}

/// Redirects to the sign-in form, which returns to the page. A POST is not repeated.
fn sign_in_first(request: &Request) -> SeeOther {
    let page = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
    match page.map(|page| page.as_str()).filter(|page| *page != "/console") {
        Some(page) => {
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", page).finish();
            SeeOther(format!("/console/login?{query}"))
        }
        None => SeeOther("/console/login".to_owned()),
    }
}

/// Whether the headers identify a cross-site request. Requests without such headers are covered by the form token.
fn is_foreign(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none`: the user navigated directly; no page made the request.
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
    let host: Option<Authority> =
        headers.get(header::HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse().ok());
    match (origin, host) {
        (Some(origin), Some(host)) => {
            let port = host.port_u16().or(match origin.scheme() {
                "https" => Some(443),
                _ => Some(80),
            });
            origin.host_str() != Some(host.host()) || origin.port_or_known_default() != port
        }
        // `null`: an opaque origin.
        _ => true,
    }
}

fn rejected_foreign() -> Page {
    let reason = "The request comes from another site. Nothing was changed.";
    Page::rejection(StatusCode::FORBIDDEN, "Request rejected", reason)
}

fn rejected_form() -> Page {
    let reason = "The form does not belong to this session, which may have expired. Nothing was changed. \
                  Reload the page and try again.";
    Page::rejection(StatusCode::FORBIDDEN, "Request rejected", reason)
}

fn unreadable_form() -> Page {
    let reason = "The form is too large, or the connection closed early. Nothing was changed.";
    Page::rejection(StatusCode::BAD_REQUEST, "Request rejected", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(pairs: &[(&'static str, &str)]) -> bool {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")));
        is_foreign(&pairs.collect())
    }

    #[test]
    fn requests_of_pages_of_other_sites_are_known() {
        let host = ("host", "127.0.0.1:8080");
        for headers in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "http://127.0.0.1:8080")],
            &[("host", "example.com"), ("origin", "https://example.com")],
            // Behind a proxy, Host may differ from Origin; Sec-Fetch-Site takes precedence.
            &[("host", "inner"), ("origin", "https://example.com"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!foreign(headers), "{headers:?}");
        }
        for headers in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080")],
            &[host, ("origin", "http://127.0.0.1:8081")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "null")],
            &[("origin", "http://evil.example")],
        ] {
            assert!(foreign(headers), "{headers:?}");
        }
    }
}
