//! `GET /v2/keys` and `POST /v2/keys/rotate`.

use dispatch::dispatcher::Settings;
use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use sigpost_qstash::verify::DEFAULT_TOLERANCE;
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, KeyUsed, SigningKeys, Verifier};

use crate::support::{Answer, Received, TestApp};

/// Returns which of these keys signed the request.
fn key_used(request: &Received, url: &str, keys: &SigningKeys) -> KeyUsed {
    let verifier = Verifier::new(keys, DEFAULT_TOLERANCE);
    let verified = verifier.verify(request.header("upstash-signature"), url, &request.body, jiff::Timestamp::now());
    verified.expect("a valid signature").key
}

/// Wire reference, section 0: trap 27.
#[tokio::test]
async fn first_keys_come_from_the_configuration_and_persist() {
    let app = TestApp::start().await;
    let keys = app.get("/v2/keys").await;
    assert_eq!((keys.status, keys.body), (StatusCode::OK, json!({ "current": DEV_CURRENT_KEY, "next": DEV_NEXT_KEY })));

    let later = TestApp::start_on(&app.database, |config| config.first_keys = SigningKeys::generate()).await;
    assert_eq!(later.get("/v2/keys").await.body["current"], DEV_CURRENT_KEY);
}

#[tokio::test]
async fn rotation_makes_the_next_key_sign_deliveries() {
    let app = TestApp::start().await;
    let rotated = app.post("/v2/keys/rotate").await;
    assert_eq!((rotated.status, &rotated.body["current"]), (StatusCode::OK, &json!(DEV_NEXT_KEY)));
    assert_eq!(app.get("/v2/keys").await.body, rotated.body);
    let new_keys: SigningKeys = serde_json::from_value(rotated.body).expect("keys");
    assert!(new_keys.next.starts_with("sig_") && new_keys.next != DEV_CURRENT_KEY);

    app.publish_here(&[], "body").await;
    let (request, url) = (app.receiver.next().await, app.receiver.url("/hook"));
    assert_eq!(key_used(&request, &url, &new_keys), KeyUsed::Current);
    assert_eq!(
        key_used(&request, &url, &SigningKeys::dev()),
        KeyUsed::Next,
        "a receiver with the old keys accepts it too"
    );
}

#[tokio::test]
async fn other_dispatcher_signs_with_the_new_key_after_rotation() {
    let rotating = TestApp::start_with(|config| config.dispatcher = None).await;
    let delivering = TestApp::start_on(&rotating.database, |_| {}).await;
    let before = rotating.publish_here(&[], "").await;
    let url = rotating.receiver.url("/hook");
    assert_eq!(before.status, StatusCode::OK);
    assert_eq!(key_used(&rotating.receiver.next().await, &url, &SigningKeys::dev()), KeyUsed::Current);

    let new_keys: SigningKeys = serde_json::from_value(rotating.post("/v2/keys/rotate").await.body).expect("keys");
    rotating.publish_here(&[], "").await;
    assert_eq!(key_used(&rotating.receiver.next().await, &url, &new_keys), KeyUsed::Current);
    assert_eq!(delivering.app.keys().keys().signing_keys, new_keys);
}

#[tokio::test]
async fn dispatcher_applies_a_rotation_while_delivering_a_backlog() {
    const BACKLOG: usize = 100;
    let rotating = TestApp::start_with(|config| config.dispatcher = None).await;
    let receiver = &rotating.receiver;
    receiver.otherwise(Answer::status(200).held());
    join_all((0..BACKLOG).map(|_| rotating.publish_here(&[], ""))).await;
    let one_at_a_time = Some(Settings { max_in_flight: 1, ..Settings::default() });
    let _delivering = TestApp::start_on(&rotating.database, |config| config.dispatcher = one_at_a_time).await;
    receiver.next().await;

    let new_keys: SigningKeys = serde_json::from_value(rotating.post("/v2/keys/rotate").await.body).expect("keys");
    // The notification arrives during delivery: some requests may have the old key, but not the whole backlog.
    for delivered in 1..BACKLOG {
        receiver.release(1);
        let request = receiver.next().await;
        let token = request.header("upstash-signature");
        let verifier = Verifier::new(&new_keys, DEFAULT_TOLERANCE);
        if verifier.verify(token, &receiver.url("/hook"), &request.body, jiff::Timestamp::now()).is_ok() {
            assert!(delivered < BACKLOG - 1);
            return;
        }
    }
    panic!("the whole backlog was signed with a key that was rotated away");
}
