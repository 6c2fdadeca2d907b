//! Named tokens: scope, lifetime and rate limit.

use std::num::NonZeroU32;
use std::time::Duration;

use dispatch::config::Secret;
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use sigpost_qstash::{DEV_TOKEN, MessageId};
use sigpost_store::api_tokens::{Grant, Scope, TokenHash, create, generate, list, revoke};
use tokio::time::{advance, pause, resume};

use crate::support::{Proxy, TestApp, TestDatabase, answered};

/// An unknown path that needs no database: 404 shows that the token was accepted.
const NOTHING: &str = "/v2/nothing";

/// Returns a request with this token.
fn with(app: &TestApp, token: &str, method: Method, path: &str) -> RequestBuilder {
    app.anonymous(method, path).bearer_auth(token)
}

async fn status(app: &TestApp, token: &str) -> StatusCode {
    answered(with(app, token, Method::GET, NOTHING)).await.status
}

/// Advances the clock of this process, not of Postgres.
async fn advance_clock(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

#[tokio::test]
async fn token_scope_limits_the_operations() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let full = app.database.create_token("full", Scope::Full, None).await;
    let publish = app.database.create_token("publish", Scope::Publish, None).await;
    let read = app.database.create_token("read", Scope::Read, None).await;
    let waiting = app.publish_here(&[("Upstash-Delay", "1h")], "").await.id();
    let (hook, message) = (app.receiver.url("/hook"), format!("/v2/messages/{waiting}"));
    let (publishing, enqueueing) = (format!("/v2/publish/{hook}"), format!("/v2/enqueue/queue/{hook}"));

    // Whether a publish token and a read token are permitted. The method decides for unknown paths.
    for (method, path, may_publish, may_read) in [
        ("POST", &*publishing, true, false),
        ("POST", &*enqueueing, true, false),
        ("POST", "/v2/batch", true, false),
        ("GET", &*publishing, false, false),
        ("PUT", &*publishing, false, false),
        ("POST", "/v2//publish/", false, false),
        ("DELETE", "/v2/batch", false, false),
        ("GET", &*message, false, true),
        ("HEAD", &*message, false, true),
        ("DELETE", "/v2/messages/msg_1", false, false),
        ("DELETE", "/v2/messages?label=none", false, false),
        ("GET", "/v2/events", false, true),
        ("GET", "/v2/logs", false, true),
        ("GET", "/v2/dlq", false, true),
        ("GET", "/v2/dlq/", false, true),
        ("GET", "/v2/dlq/1-1", false, true),
        ("POST", "/v2/dlq/retry/1-1", false, false),
        ("GET", "/v2/keys", false, false),
        ("HEAD", "/v2/keys", false, false),
        ("GET", "/v2/keys/", false, false),
        ("GET", "/v2//keys", false, false),
        ("GET", "/v2/Keys", false, false),
        ("POST", "/v2/keys/rotate", false, false),
        ("GET", "/v2/schedules", false, true),
        ("POST", "/v2/Schedules/https://example.com", false, false),
        ("PATCH", "/v2/schedules/scd_1/pause", false, false),
        ("POST", "/v2/queues/", false, false),
        ("GET", "/v2/flowControl/key", false, true),
        ("PUT", "/v2/topics/group", false, false),
        ("GET", "/v2/%6Beys", false, true),
        ("GET", NOTHING, false, true),
        ("POST", NOTHING, false, false),
    ] {
        let method: Method = method.parse().expect("a method");
        let send = async |token: &str| with(&app, token, method.clone(), path).send().await.expect("a response");
        let own = send(DEV_TOKEN).await.status();
        assert!(own != StatusCode::FORBIDDEN && own != StatusCode::UNAUTHORIZED);
        for (token, may) in [(&full, true), (&publish, may_publish), (&read, may_read)] {
            let expected = if may { own } else { StatusCode::FORBIDDEN };
            assert_eq!(send(token).await.status(), expected, "{method} {path}");
        }
    }

    let keys = async |token: &str| answered(with(&app, token, Method::GET, "/v2/keys")).await;
    let told = "the scope of this token is publish: it allows only publish, enqueue and batch";
    assert_eq!(keys(&publish).await.error(), told);
    let told = "the scope of this token is read: it allows only read requests, and not those for signing keys";
    assert_eq!(keys(&read).await.error(), told);

    answered(with(&app, &read, Method::DELETE, &message)).await;
    answered(with(&app, &publish, Method::DELETE, &message)).await;
    assert_eq!(app.message(waiting).await["state"], "CREATED", "rejected requests change nothing");
}

#[tokio::test]
async fn token_in_the_query_is_not_forwarded() {
    let app = TestApp::start().await;
    let publish = app.database.create_token("publish", Scope::Publish, None).await;
    let path = format!("/v2/publish/{}", app.receiver.url(&format!("/hook?a=b&qstash_token={publish}")));
    let published = answered(app.anonymous(Method::POST, &path)).await;
    assert_eq!(published.status, StatusCode::OK);
    let message = app.message(published.id()).await;
    assert_eq!(message["url"], app.receiver.url("/hook?a=b"));
    assert!(!message.to_string().contains("sgp_"));

    let rejected = answered(app.anonymous(Method::GET, &format!("/v2/events?qstash_token={publish}"))).await;
    assert_eq!(rejected.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn revoked_token_is_rejected_everywhere_after_ten_seconds() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let other = TestApp::start_on(&app.database, |config| config.dispatcher = None).await;
    let first = app.database.create_token("ci", Scope::Read, None).await;
    for process in [&app, &other] {
        assert_eq!(status(process, &first).await, StatusCode::NOT_FOUND);
    }

    let store = app.app.database();
    let mut conn = store.connection().await.expect("a connection");
    assert!(revoke(&mut conn, "ci").await.expect("a response"));
    assert!(!revoke(&mut conn, "ci").await.expect("a response"), "it is revoked once");
    advance_clock(Duration::from_secs(10)).await;
    for process in [&app, &other] {
        let rejected = answered(with(process, &first, Method::GET, NOTHING)).await;
        assert_eq!(rejected.status, StatusCode::UNAUTHORIZED);
        assert_eq!(rejected.error(), "unable to authenticate: invalid token");
    }

    let second = app.database.create_token("ci", Scope::Full, None).await;
    assert_eq!(
        (status(&app, &second).await, status(&app, &first).await),
        (StatusCode::NOT_FOUND, StatusCode::UNAUTHORIZED)
    );
    let listed: Vec<_> =
        list(&mut conn).await.expect("tokens").into_iter().map(|t| (t.scope, t.revoked_at.is_some())).collect();
    assert_eq!(listed, [(Scope::Read, true), (Scope::Full, false)]);
    let grant = Grant { scope: Scope::Read, rate_limit: None };
    assert!(!create(&mut conn, "ci", TokenHash::of(b"another"), grant).await.expect("a response"), "the name is taken");
}

#[tokio::test]
async fn database_stores_no_token_secret() {
    let app = TestApp::start().await;
    let secret = app.database.create_token("ci", Scope::Publish, None).await;
    let path = format!("/v2/publish/{}", app.receiver.url("/hook"));
    let published = with(&app, &secret, Method::POST, &path).header("Upstash-Header-Forward", "true");
    assert_eq!(answered(published).await.status, StatusCode::OK);
    let request = app.receiver.next().await;
    assert!(!format!("{:?}", request.headers).contains(&secret[4..]));

    let sql = "select t::text from api_tokens t union all select m::text from messages m union all select e::text from events e";
    let rows: Vec<String> = app.database.query(sql, &[]).await.iter().map(|row| row.get(0)).collect();
    assert!(rows.len() >= 3 && rows.iter().any(|row| row.contains("publish")));
    let random = secret[4..].to_owned();
    let as_hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for row in &rows {
        assert!(!row.contains(&random) && !row.contains(&as_hex(&random)), "{row}");
    }
    let hash: Vec<u8> = app.database.query("select hash from api_tokens", &[]).await[0].get(0);
    assert_eq!(hash, TokenHash::of(secret.as_bytes()).0);
}

#[tokio::test]
async fn token_over_its_rate_gets_retry_after_and_may_publish() {
    let app =
        TestApp::start_with(|config| (config.dispatcher, config.api_rate_limit) = (None, NonZeroU32::new(1))).await;
    let slow = app.database.create_token("slow", Scope::Full, None).await;
    let fast = app.database.create_token("fast", Scope::Full, Some(1_000_000)).await;
    let publish = format!("/v2/publish/{}", app.receiver.url("/hook"));

    // The deployment's own token is limited as well: one request per second, and twenty concurrent ones take less
    // than twenty seconds.
    for token in [DEV_TOKEN, &slow] {
        let burst = join_all((0..20).map(|_| with(&app, token, Method::GET, NOTHING).send())).await;
        let (rejected, let_in): (Vec<_>, Vec<_>) = burst
            .into_iter()
            .map(|answer| answer.expect("a response"))
            .partition(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS);
        assert!(!let_in.is_empty() && let_in.iter().all(|answer| answer.status() == StatusCode::NOT_FOUND));
        assert!(!rejected.is_empty());
        for answer in rejected {
            let headers = answer.headers().clone();
            assert_eq!(
                (&headers["burst-ratelimit-limit"], &headers["burst-ratelimit-remaining"]),
                (&"1".parse().expect("a value"), &"0".parse().expect("a value"))
            );
            let number = |name: &str| headers[name].to_str().expect("text").parse::<i64>().expect("a number");
            let ahead = number("burst-ratelimit-reset") - jiff::Timestamp::now().as_second();
            assert!((-20..=2).contains(&ahead), "{ahead}");
            assert_eq!(number("retry-after"), 1);
            assert!(!headers.contains_key("ratelimit-limit"));
            let text = answer.text().await.expect("a text");
            assert!(text.contains(r#"{"error":"this token may make 1 requests per second"#), "{text}");
        }
        let published = join_all((0..20).map(|_| answered(with(&app, token, Method::POST, &publish)))).await;
        assert!(published.iter().all(|answer| answer.status == StatusCode::OK));
    }
    let burst = join_all((0..20).map(|_| status(&app, &fast))).await;
    assert_eq!(burst, [StatusCode::NOT_FOUND; 20], "its own limit counts before the default");

    advance_clock(Duration::from_secs(1)).await;
    assert_eq!(status(&app, &slow).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn cached_token_works_while_postgres_is_down() {
    let database = TestDatabase::new().await;
    let proxy = Proxy::to(database.port()).await;
    let through = |config: &mut dispatch::Config| {
        (config.database_url, config.dispatcher) = (Secret(proxy.url(&database.url)), None);
    };
    let app = TestApp::start_on(&database, through).await;
    let used = database.create_token("used", Scope::Read, None).await;
    let unused = database.create_token("unused", Scope::Read, None).await;
    let stranger = generate();
    assert_eq!(status(&app, &used).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&app, &stranger).await, StatusCode::UNAUTHORIZED);

    proxy.forward_to(None);
    assert_eq!(status(&app, &used).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&app, &stranger).await, StatusCode::UNAUTHORIZED, "rejected tokens are cached too");
    assert_eq!(status(&app, &unused).await, StatusCode::SERVICE_UNAVAILABLE);
    // These need no database lookup.
    assert_eq!(status(&app, DEV_TOKEN).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&app, "not of our making").await, StatusCode::UNAUTHORIZED);

    advance_clock(Duration::from_secs(10)).await;
    let late = with(&app, &used, Method::GET, NOTHING).send().await.expect("a response");
    assert_eq!(
        (late.status(), &late.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().expect("a value"))
    );

    proxy.forward_to(Some(database.port()));
    assert_eq!(
        (status(&app, &used).await, status(&app, &unused).await),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    let unknown = answered(with(&app, &used, Method::GET, &format!("/v2/messages/{}", MessageId::new()))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    // A dead idle connection does not fail the request.
    proxy.forward_to(Some(database.port()));
    advance_clock(Duration::from_secs(10)).await;
    assert_eq!(status(&app, &used).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn authorization_scheme_is_case_insensitive() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let named = app.database.create_token("read", Scope::Read, None).await;
    for token in [DEV_TOKEN, &named] {
        for scheme in ["Bearer", "bearer", "BEARER", "bEARER "] {
            let request = app.anonymous(Method::GET, "/v2/dlq").header("Authorization", format!("{scheme} {token}"));
            assert_eq!(answered(request).await.status, StatusCode::OK, "{scheme}");
        }
        for value in [token.to_owned(), format!("Token {token}"), format!("Bearer{token}")] {
            let request = app.anonymous(Method::GET, "/v2/dlq").header("Authorization", &value);
            assert_eq!(answered(request).await.status, StatusCode::UNAUTHORIZED);
        }
    }
}
