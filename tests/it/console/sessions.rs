//! Sign-in, sign-out and forged requests.

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, StatusCode};

use super::{Console, TOKEN, cookie, form, shown};

#[tokio::test]
async fn sign_in_redirects_back_to_the_requested_page() {
    let console = Console::start().await;
    for (path, to) in [
        ("/console", "/console/login"),
        ("/console/messages?label=a%20b", "/console/login?next=%2Fconsole%2Fmessages%3Flabel%3Da%2520b"),
        ("/console/nothing", "/console/login?next=%2Fconsole%2Fnothing"),
    ] {
        let answer = shown(console.anonymous(Method::GET, path)).await;
        assert_eq!((answer.status, &*answer.to, &*answer.text), (StatusCode::SEE_OTHER, to, ""));
    }
    let page = shown(console.anonymous(Method::GET, "/console/login?next=%2Fconsole%2Fkeys")).await;
    assert!(page.text.contains(r#"<input type="hidden" name="next" value="/console/keys">"#), "{}", page.text);

    let login = console.anonymous(Method::POST, "/console/login");
    let fields = [("token", TOKEN), ("next", "/console/keys")];
    let response = form(login, &fields).send().await.expect("a response");
    assert_eq!(
        (response.status(), &response.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/console/keys".parse().expect("text"))
    );
    let set = response.headers()[SET_COOKIE].to_str().expect("text").to_owned();
    assert!(set.starts_with("sigpost_session=") && !set.contains(TOKEN), "{set}");
    assert!(set.ends_with("; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!(console.sign_in().await.get("/console").await.status, StatusCode::OK);
}

#[tokio::test]
async fn cookie_is_secure_except_on_localhost() {
    let console = Console::start().await;
    let login = console.anonymous(Method::POST, "/console/login").header("host", "console.example.com");
    let response = form(login, &[("token", TOKEN)]).send().await.expect("a response");
    assert!(response.headers()[SET_COOKIE].to_str().expect("text").ends_with("; SameSite=Strict; Secure"));
}

#[tokio::test]
async fn wrong_token_returns_the_form_without_a_cookie() {
    let console = Console::start().await;
    let (shorter, longer) = (format!("token={}", &TOKEN[1..]), format!("token={TOKEN}2"));
    for body in ["token=wrong", "token=", "", &shorter, &longer, "\u{0}", "next=/console"] {
        let login = console.anonymous(Method::POST, "/console/login").body(body.to_owned());
        let response = login.send().await.expect("a response");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{body}");
        assert!(response.headers().get(SET_COOKIE).is_none());
        let text = response.text().await.expect("text");
        assert!(text.contains("Invalid admin token.") && text.contains("name=\"token\""), "{text}");
    }
    // The form cannot redirect to another site.
    for next in ["https://evil.example/", "//evil.example", "/console\\@evil.example", "/v2/keys"] {
        let login = console.anonymous(Method::POST, "/console/login");
        assert_eq!(shown(form(login, &[("token", TOKEN), ("next", next)])).await.to, "/console", "{next}");
    }
}

#[tokio::test]
async fn repeated_wrong_tokens_are_rate_limited_for_a_bounded_time() {
    let console = Console::start().await;
    let sign_in = async |token: &str| {
        let login = console.anonymous(Method::POST, "/console/login");
        form(login, &[("token", token)]).send().await.expect("a response")
    };
    for _ in 0..10 {
        assert_eq!(sign_in("wrong").await.status(), StatusCode::UNAUTHORIZED);
    }
    let rejected = sign_in("wrong").await;
    assert_eq!(rejected.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = rejected.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    let text = rejected.text().await.expect("text");
    assert!(text.contains("Invalid admin token. Too many") && text.contains("name=\"token\""), "{text}");
    assert_eq!(sign_in(TOKEN).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn forged_cookies_are_rejected() {
    let console = Console::signed_in().await;
    let (name, value) = console.cookie.split_once('=').expect("a pair");
    let parts: Vec<&str> = value.split('.').collect();
    let [expires, id, mac] = parts[..] else { panic!("{value}") };
    let flipped = if mac.starts_with('A') { "B" } else { "A" };
    for forged in [
        String::new(),
        TOKEN.to_owned(),
        format!("{expires}.{id}"),
        format!("9{expires}.{id}.{mac}"),
        format!("{expires}.x{id}.{mac}"),
        format!("{expires}.{id}.{flipped}{}", &mac[1..]),
    ] {
        let answer =
            shown(console.anonymous(Method::GET, "/console/keys").header(COOKIE, format!("{name}={forged}"))).await;
        assert_eq!((answer.status, &*answer.to), (StatusCode::SEE_OTHER, "/console/login?next=%2Fconsole%2Fkeys"));
    }
    // A process of the same deployment accepts the session; one with another admin token does not.
    let other = super::console(&console.app, &console.app.url).await;
    let there = console.client.get(format!("{other}/console")).header(COOKIE, &console.cookie);
    assert_eq!(shown(there).await.status, StatusCode::OK);
}

#[tokio::test]
async fn actions_require_the_form_token_of_the_session() {
    let console = Console::signed_in().await;
    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    let path = format!("/console/messages/{id}/cancel");
    let other = Console { cookie: Console::signed_in().await.cookie, ..Console::start().await };
    let (mine, others) = (console.form_token().await, other.form_token().await);
    for (token, site, status) in [
        ("", None, StatusCode::FORBIDDEN),
        ("x", None, StatusCode::FORBIDDEN),
        (&*others, None, StatusCode::FORBIDDEN),
        (&*mine, Some(("sec-fetch-site", "cross-site")), StatusCode::FORBIDDEN),
        (&*mine, Some(("sec-fetch-site", "same-site")), StatusCode::FORBIDDEN),
        (&*mine, Some(("origin", "https://evil.example")), StatusCode::FORBIDDEN),
        (&*mine, Some(("origin", "null")), StatusCode::FORBIDDEN),
        (&*mine, Some(("sec-fetch-site", "same-origin")), StatusCode::SEE_OTHER),
    ] {
        assert_eq!(console.app.message(id).await["state"], "CREATED", "before {token} {site:?}");
        let mut request = form(console.request(Method::POST, &path), &[("form_token", token), ("confirmed", "yes")]);
        if let Some((name, value)) = site {
            request = request.header(name, value);
        }
        assert_eq!(shown(request).await.status, status, "{token} {site:?}");
    }
    assert_eq!(console.app.message(id).await["state"], "CANCELED");
    let login = console.anonymous(Method::POST, "/console/login").header("sec-fetch-site", "cross-site");
    assert_eq!(shown(form(login, &[("token", TOKEN)])).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn signing_out_deletes_the_cookie() {
    let console = Console::signed_in().await;
    let token = console.form_token().await;
    let request = form(console.request(Method::POST, "/console/logout"), &[("form_token", &token)]);
    let response = request.send().await.expect("a response");
    assert_eq!(cookie(&response), "sigpost_session=");
    assert!(response.headers()[SET_COOKIE].to_str().expect("text").contains("Max-Age=0"));
    assert_eq!(response.headers()["location"], "/console/login");
}
