//! Sign-in with the admin token, and sign-out.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use jiff::Timestamp;
use maud::html;
use serde::Deserialize;
use sigpost_runtime::api_error::whole_seconds;

use super::Console;
use super::form::Posted;
use super::layout::bare;
use super::page::{Page, SeeOther, local};
use super::session::{clear_cookie, set_cookie};
use crate::admin_token::Rejected;

/// Query parameters of the form. `next` is the page to return to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    next: String,
}

/// Serves the form.
pub(crate) async fn get_login(Query(asked): Query<Asked>) -> Response {
    form(StatusCode::OK, "", &asked.next)
}

/// Returns 303 with a session if the token is valid, else 401 with the form; 429 after too many invalid tokens.
pub(crate) async fn sign_in(State(console): State<Console>, headers: HeaderMap, body: Bytes) -> Response {
    let posted = Posted::parse(&body);
    if let Err(rejected) = console.token.check(posted.text("token").as_bytes()) {
        return reject(rejected, posted.text("next"));
    }
    let cookie = set_cookie(&console.sessions.begin(Timestamp::now()), is_remote(&headers));
    let next = local(posted.text("next")).unwrap_or("/console");
    ([(header::SET_COOKIE, cookie)], SeeOther(next.to_owned())).into_response()
}

/// Deletes the session's cookie.
pub(crate) async fn sign_out(headers: HeaderMap) -> Response {
    let cookie = clear_cookie(is_remote(&headers));
    ([(header::SET_COOKIE, cookie)], SeeOther("/console/login".to_owned())).into_response()
}

fn reject(rejected: Rejected, next: &str) -> Response {
    let wrong = "Invalid admin token.";
    match rejected {
        Rejected::Wrong => form(StatusCode::UNAUTHORIZED, wrong, next),
        Rejected::TooMany(wait) => {
            let why = format!("{wrong} Too many invalid tokens within a minute.");
            let retry_after = [(header::RETRY_AFTER, whole_seconds(wait).to_string())];
            (retry_after, form(StatusCode::TOO_MANY_REQUESTS, &why, next)).into_response()
        }
    }
}

fn form(status: StatusCode, why_not: &str, next: &str) -> Response {
    let content = html! {
        @if !why_not.is_empty() {
            div.notice.bad role="alert" { p { (why_not) } }
        }
        form.stack method="post" action="/console/login" {
            @if let Some(next) = local(next) {
                input type="hidden" name="next" value=(next);
            }
            label for="token" { "Admin token" }
            input id="token" name="token" type="password" autocomplete="current-password" required autofocus
                aria-describedby="token-hint";
            p.hint id="token-hint" { "The value of " code { "ADMIN_TOKEN" } ". " code { "sigpost dev" } " prints its token at startup." }
            button.primary { "Sign in" }
        }
    };
    bare(Page { status, section: None, title: "Sign in".to_owned(), content }).into_response()
}

/// Whether the request was sent to a host other than loopback. Only loopback requests work without TLS.
fn is_remote(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    !(name == "localhost" || address.is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_comes_over_the_loopback_gets_a_cookie_that_is_not_secure() {
        let remote = |host: &str| is_remote(&[(header::HOST, host.parse().expect("a value"))].into_iter().collect());
        for host in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080", "[::1]"] {
            assert!(!remote(host), "{host}");
        }
        for host in
            ["example.com", "localhost.example.com:80", "10.0.0.1:8080", "[2001:db8::1]:80", "", "127.0.0.1.nip.io"]
        {
            assert!(remote(host), "{host}");
        }
        assert!(is_remote(&HeaderMap::new()));
    }
}
