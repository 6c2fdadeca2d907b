//! Signing in with the admin token, and out.

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
use crate::admin_token::Refused;

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    next: String,
}

/// The form.
pub(crate) async fn get_login(Query(asked): Query<Asked>) -> Response {
    form(StatusCode::OK, "", &asked.next)
}

/// 303 with a session to who knows the token, else 401 with the form; 429 after many wrong ones.
pub(crate) async fn sign_in(State(console): State<Console>, headers: HeaderMap, body: Bytes) -> Response {
    let posted = Posted::parse(&body);
    if let Err(refused) = console.token.check(posted.text("token").as_bytes()) {
        return refuse(refused, posted.text("next"));
    }
    let cookie = set_cookie(&console.sessions.begin(Timestamp::now()), is_remote(&headers));
    let next = local(posted.text("next")).unwrap_or("/console");
    ([(header::SET_COOKIE, cookie)], SeeOther(next.to_owned())).into_response()
}

/// The session's cookie is taken away.
pub(crate) async fn sign_out(headers: HeaderMap) -> Response {
    let cookie = clear_cookie(is_remote(&headers));
    ([(header::SET_COOKIE, cookie)], SeeOther("/console/login".to_owned())).into_response()
}

fn refuse(refused: Refused, next: &str) -> Response {
    let wrong = "That is not the admin token.";
    match refused {
        Refused::Wrong => form(StatusCode::UNAUTHORIZED, wrong, next),
        Refused::TooMany(wait) => {
            let why = format!("{wrong} There were many wrong ones within a minute.");
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
            p.hint id="token-hint" { "The value of " code { "ADMIN_TOKEN" } "; " code { "sigpost dev" } " prints its own." }
            button.primary { "Sign in" }
        }
    };
    bare(Page { status, section: None, title: "Sign in".to_owned(), content }).into_response()
}

/// Whether somebody may be in between: over the loopback there is nobody, and no TLS either.
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
