//! Security headers of every response, and pages during an outage.

use reqwest::{Method, StatusCode};
use sigpost_health::Rules;
use sigpost_store::Database;

use super::{Console, shown};
use crate::support::serve;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let console = Console::signed_in().await;
    let page = console.get("/console").await.text;
    let asset = |rest: &str| rest.split('"').next().expect("an address").to_owned();
    let assets: Vec<String> = page.split("\"/console/assets/").skip(1).map(asset).collect();
    assert_eq!(assets.len(), 2, "{page}");
    let mut paths: Vec<String> = assets.iter().map(|name| format!("/console/assets/{name}")).collect();
    paths.extend(
        [
            "/console",
            "/console/login",
            "/console/messages/msg_unknown",
            "/console/nothing",
            "/console/assets/none.js",
            "/console/logout",
        ]
        .map(str::to_owned),
    );
    for (anonymous, path) in paths.iter().flat_map(|path| [(true, path), (false, path)]) {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let request =
                if anonymous { console.anonymous(method.clone(), path) } else { console.request(method.clone(), path) };
            let response = request.send().await.expect("a response");
            let header =
                |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_owned());
            assert_eq!(header("content-security-policy").as_deref(), Some(POLICY), "{method} {path}");
            assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{method} {path}");
            assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"), "{method} {path}");
            let is_asset = response.status() == StatusCode::OK && path.starts_with("/console/assets/");
            let cache = if is_asset { "public, max-age=31536000, immutable" } else { "no-store" };
            assert_eq!(header("cache-control").as_deref(), Some(cache), "{method} {path}");
        }
    }
    // The pages contain nothing that the policy forbids.
    for forbidden in ["<style", " style=", " onclick=", "javascript:", "http://www.w3.org", "//cdn"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn unavailable_services_are_reported_on_a_page() {
    let mut console = Console::signed_in().await;
    let here = console.url.clone();

    console.url = super::console(&console.app, "http://127.0.0.1:1").await;
    let away = console.get("/console/messages").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        away.text.contains("The dispatch API does not respond.") && away.text.contains("Sign out"),
        "{}",
        away.text
    );

    let id = console.app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    let database = Database::new("postgres://user@127.0.0.1:1/none?sslmode=disable", 1).expect("a URL");
    let config = |api_token: &str| admin::ConsoleConfig {
        admin_token: admin::AdminToken::new(super::TOKEN).expect("a token"),
        api_url: console.app.url.clone(),
        api_token: api_token.to_owned(),
        jobs: Vec::new(),
        rules: Rules::default(),
    };
    let without_database =
        serve(admin::console(database.clone(), &config(sigpost_qstash::DEV_TOKEN)).expect("a console")).await;
    let of_another = serve(admin::console(database, &config("not-the-token")).expect("a console")).await;
    console.url = without_database;
    let away = console.get(&format!("/console/messages/{id}")).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.text.contains("The database does not respond."), "{}", away.text);
    console.url = of_another;
    let rejected = console.get("/console/messages").await;
    assert_eq!(rejected.status, StatusCode::BAD_GATEWAY);
    assert!(rejected.text.contains("does not accept the console's token"), "{}", rejected.text);

    console.url = here;
    let unknown = console.get("/console/messages/msg_unknown").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains("message msg_unknown not found"), "{}", unknown.text);
    assert_eq!(shown(console.request(Method::GET, "/console/nothing")).await.status, StatusCode::NOT_FOUND);
}
