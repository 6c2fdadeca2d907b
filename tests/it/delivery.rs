//! Requests to a destination, and the effect of its responses.

mod answers;
mod faults;
mod keep_alive;
mod requests;
mod shares;

use dispatch::dispatcher::StepKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Method;
use serde_json::{Value, json};
use sigpost_qstash::{DEV_CURRENT_KEY, KeyUsed, SigningKeys, Verifier};

use crate::support::{Answer, TestApp, answered};

/// Wire reference, section 10: rows 27 and 28; section 0: traps 21, 22 and 23.
#[tokio::test]
async fn delivery_has_a_signature_and_describing_headers() {
    let app = TestApp::start().await;
    let body = r#"{"hello":"wörld"}"#;
    let url = app.receiver.url("/hook?a=1&b=%20");
    let id = app.publish(&url, &[("Content-Type", "application/json")], body).await.id();

    let request = app.receiver.next().await;
    assert_eq!(request.header("user-agent"), "Upstash-QStash");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("content-length"), body.len().to_string());
    assert_eq!(request.header("upstash-message-id"), id.to_string());
    assert_eq!(request.header("upstash-retried"), "0");
    assert_eq!(request.header("upstash-caller-ip"), "127.0.0.1");

    // With an independent library.
    let token = request.header("upstash-signature");
    assert_eq!(decode_header(token).unwrap().typ.as_deref(), Some("JWT"));
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&["Upstash"]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "sub"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_secret(DEV_CURRENT_KEY.as_bytes());
    let claims = decode::<Value>(token, &key, &validation).expect("a valid token").claims;
    let iat = claims["iat"].as_i64().expect("a whole number");
    assert!((0..30).contains(&(jiff::Timestamp::now().as_second() - iat)));
    let jti = claims["jti"].as_str().expect("a text");
    assert!(jti.starts_with("jwt_") && jti.len() > 20);
    assert_eq!(
        claims,
        json!({
            "iss": "Upstash",
            "sub": url,
            "exp": iat + 305,
            "nbf": 0,
            "iat": iat,
            "jti": jti,
            // Computed with Python's hashlib and base64.
            "body": "Ff6TbVpcSlZMjckAIoAAkmPAzAvQ8o4WZSUpqfg7LSM=",
        })
    );
}

#[tokio::test]
async fn body_is_delivered_and_signed_byte_for_byte() {
    let app = TestApp::start().await;
    let verifier = Verifier::new(&SigningKeys::dev(), sigpost_qstash::verify::DEFAULT_TOLERANCE);
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    for body in [Vec::new(), (0..=255).collect(), b"\0\xff\xfe".to_vec(), large] {
        let path = format!("/v2/publish/{}", app.receiver.url("/hook"));
        let id = answered(app.request(Method::POST, &path).body(body.clone())).await.id();

        let request = app.receiver.next().await;
        assert!(request.body == body, "{} bytes", body.len());
        let url = app.receiver.url("/hook");
        let now = jiff::Timestamp::now();
        let verified = verifier.verify(request.header("upstash-signature"), &url, &request.body, now);
        assert_eq!(verified.expect("a valid signature").key, KeyUsed::Current);
        app.wait_for(id, StepKind::Delivered).await;
    }
}

#[tokio::test]
async fn retry_has_the_same_id_and_a_new_signature() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500), Answer::status(500)]);
    let id = app.publish_here(&[], "body").await.id();
    let first = app.receiver.next().await;
    app.wait_for(id, StepKind::Retried).await;
    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY");
    assert_eq!(app.message(id).await["state"], "RETRY");

    app.make_messages_due().await;
    let second = app.receiver.next().await;
    app.wait_for_times(id, StepKind::Retried, 2).await;
    app.make_messages_due().await;
    let third = app.receiver.next().await;
    app.wait_for(id, StepKind::Delivered).await;

    assert_eq!(app.states(id).await, "CREATED ACTIVE ERROR RETRY ACTIVE ERROR RETRY ACTIVE DELIVERED");
    let retried = [&first, &second, &third].map(|request| request.header("upstash-retried"));
    assert_eq!(retried, ["0", "1", "2"]);
    for again in [second, third] {
        assert_eq!(again.header("upstash-message-id"), first.header("upstash-message-id"));
        assert_ne!(again.header("upstash-signature"), first.header("upstash-signature"));
        assert_eq!(again.body, first.body);
    }
}
