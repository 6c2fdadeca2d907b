//! The signatures that a handler accepts.

use dispatch::dispatcher::StepKind;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::json;
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY, MessageId, Signer, SigningKeys};
use sigpost_runtime::KeyRing;

use super::actor::Play;
use super::deployment::{Deployment, answer};

const BODY: &str = r#"{"scenes":[1]}"#;
/// `{"alg":"none","typ":"JWT"}` in base64url.
const NO_ALGORITHM: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";

#[tokio::test]
async fn invalid_signature_is_rejected_and_nothing_is_stored() {
    let (deployment, stage) = Deployment::acting().await;
    let (id, now, url) = (MessageId::new(), Timestamp::now(), deployment.endpoint::<Play>());
    let sign = |key: &str, url: &str, at| Signer::new(key).sign(url, BODY.as_bytes(), at);
    let good = sign(DEV_CURRENT_KEY, &url, now);
    let [header, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let stronger = encode(
        &Header::new(Algorithm::HS512),
        &json!({ "iss": "Upstash", "sub": url, "exp": now.as_second() + 300, "nbf": 0, "body": "" }),
        &EncodingKey::from_secret(DEV_CURRENT_KEY.as_bytes()),
    )
    .expect("a token");

    for (what, token, body) in [
        ("a body that was changed", good.clone(), r#"{"scenes":[2]}"#),
        ("a body with a byte more", good.clone(), r#"{"scenes":[1]} "#),
        ("a signature that was changed", format!("{header}.{claims}.{first}{}", &signature[1..]), BODY),
        ("a signature that was cut", format!("{header}.{claims}.{}", &signature[..20]), BODY),
        ("no signature in the token", format!("{header}.{claims}."), BODY),
        ("no algorithm", format!("{NO_ALGORITHM}.{claims}."), BODY),
        ("no algorithm, but a signature", format!("{NO_ALGORITHM}.{claims}.{signature}"), BODY),
        ("another algorithm", stronger, BODY),
        ("another endpoint", sign(DEV_CURRENT_KEY, &format!("{}/api/jobs/email", deployment.url), now), BODY),
        ("another host", sign(DEV_CURRENT_KEY, "https://b.example/api/jobs/play", now), BODY),
        ("a slash more", sign(DEV_CURRENT_KEY, &format!("{url}/"), now), BODY),
        ("a token that has expired", sign(DEV_CURRENT_KEY, &url, now - SignedDuration::from_secs(310)), BODY),
        ("a stranger's key", sign(&SigningKeys::generate().current, &url, now), BODY),
        ("an empty key", sign("", &url, now), BODY),
        ("no token", "x".into(), BODY),
    ] {
        let answered = answer(deployment.unsigned(id, body).header("Upstash-Signature", token)).await;
        assert_eq!(answered.rejection(), (401, "Invalid signature"), "{what}");
    }
    assert_eq!(answer(deployment.unsigned(id, BODY)).await.rejection(), (401, "Missing signature"));
    assert_eq!((stage.runs(), deployment.run_count().await), (0, 0));

    let answered = answer(deployment.unsigned(id, BODY).header("Upstash-Signature", good)).await;
    assert_eq!(answered.body, json!({ "success": true, "result": { "scenes": 1 } }));
}

#[tokio::test]
async fn url_in_the_request_is_ignored() {
    let (deployment, stage) = Deployment::acting().await;
    let elsewhere = "https://b.example/api/jobs/play";
    let token = Signer::new(DEV_CURRENT_KEY).sign(elsewhere, BODY.as_bytes(), Timestamp::now());
    let request = deployment.unsigned(MessageId::new(), BODY).header("Upstash-Signature", token);
    let request = request.header("Host", "b.example").header("X-Forwarded-Host", "b.example");
    assert_eq!(answer(request.header("X-Forwarded-Proto", "https")).await.rejection(), (401, "Invalid signature"));
    assert_eq!(stage.runs(), 0);
}

#[tokio::test]
async fn next_key_is_accepted_like_the_current_key() {
    let (deployment, _) = Deployment::acting().await;
    for key in [DEV_CURRENT_KEY, DEV_NEXT_KEY] {
        let id = MessageId::new();
        assert_eq!(answer(deployment.delivery_by(key, id, BODY)).await.status, 200, "{key}");
        assert_eq!(deployment.story(id).await, ["1 completed"]);
    }
}

#[tokio::test]
async fn handler_with_old_keys_accepts_one_rotation_but_not_two() {
    let old_keys = KeyRing::new(SigningKeys::dev());
    let (deployment, _) = Deployment::acting_with(|harness| sigpost_jobs::Harness { keys: old_keys, ..harness }).await;
    let rotated = answer(deployment.app.request(Method::POST, "/v2/keys/rotate")).await;
    assert_eq!(rotated.body["current"], DEV_NEXT_KEY);
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.story(id).await, ["1 completed"]);

    answer(deployment.app.request(Method::POST, "/v2/keys/rotate")).await;
    let id = deployment.publish::<Play>(&[], &json!({ "scenes": [1] })).await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    assert_eq!(deployment.app.event(id, "ERROR").await["responseStatus"], 401);
    assert!(deployment.runs(id).await.is_empty());
}
