//! Handlers behind the hosted QStash, which signs and delivers. sigpost only records the runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sigpost_jobs::{EnqueueOptions, JobError, Outcome};
use sigpost_qstash::{DEV_CURRENT_KEY, DEV_NEXT_KEY};

use super::actor::Play;
use super::deployment::{Answered, Deployment, answer};
use super::improvised::running;

/// Twice as long as sigpost's IDs, which are made of a UUID.
const MESSAGE: &str = "msg_26hZCxZCuWyyTWPmSVBrNC1RADwpgWxPcak2rQD51EMjFMuzcW7qYXpPiDyw8Gd";
const BODY: &str = r#"{"scenes":[1]}"#;
const DAY: Duration = Duration::from_secs(86_400);

/// Signed as <https://upstash.com/docs/qstash/features/security> documents, by an independent library.
fn signed(key: &str, url: &str, body: &str) -> String {
    let now = Timestamp::now().as_second();
    let claims = json!({
        "iss": "Upstash", "sub": url, "exp": now + 300, "nbf": now, "iat": now,
        "jti": "jwt_67kxXD6UBAk7DqU6hzuHMDdXFXfP", "body": URL_SAFE.encode(Sha256::digest(body)),
    });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key.as_bytes())).expect("a token")
}

async fn delivered(deployment: &Deployment, key: &str, retried: &str) -> Answered {
    let url = deployment.endpoint::<Play>();
    let request = reqwest::Client::builder().no_proxy().build().expect("a client").post(&url).body(BODY);
    let headers = [
        ("User-Agent", "Upstash-QStash"),
        ("Content-Type", "application/json"),
        ("Upstash-Message-Id", MESSAGE),
        ("Upstash-Retried", retried),
        ("Upstash-Signature", &signed(key, &url, BODY)),
        ("Upstash-Caller-Ip", "192.0.2.7"),
        ("Upstash-Region", "EU-CENTRAL-1"),
        ("Upstash-Topic-Name", "plays"),
        ("Upstash-Schedule-Id", "scd_7Bn3xkP1"),
    ];
    answer(headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))).await
}

async fn recorded(deployment: &Deployment) -> Vec<Value> {
    let sql =
        "select jsonb_build_array(attempt, status)::text from job_executions where message_id = $1 order by attempt";
    let rows = deployment.app.database.query(sql, &[&MESSAGE]).await;
    rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect()
}

#[tokio::test]
async fn handler_behind_hosted_qstash_runs_a_message_once() {
    let effects = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&effects);
    let deployment = running(move |_, ctx| {
        let counted = Arc::clone(&counted);
        async move {
            let number: usize =
                ctx.once("count", async |_| Ok::<_, JobError>(counted.fetch_add(1, Ordering::Relaxed) + 1)).await?;
            ctx.enqueue(&Play { scenes: vec![1] }, EnqueueOptions { delay: DAY, ..EnqueueOptions::default() })?;
            if ctx.attempt == 1 { Err(JobError::retryable("not yet")) } else { Ok(Outcome::with(number)) }
        }
    })
    .await;
    let stranger = delivered(&deployment, "sig_another", "0").await;
    assert_eq!(stranger.rejection(), (401, "Invalid signature"));

    assert_eq!(delivered(&deployment, DEV_CURRENT_KEY, "0").await.status, 500);
    // Its keys were rotated meanwhile.
    let second = delivered(&deployment, DEV_NEXT_KEY, "1").await;
    assert_eq!((second.status.as_u16(), &second.body["result"]), (200, &json!(1)));
    assert_eq!(delivered(&deployment, DEV_CURRENT_KEY, "2").await.status, 200);
    assert_eq!(recorded(&deployment).await, [json!([1, "failed"]), json!([2, "completed"])]);
    assert_eq!(effects.load(Ordering::Relaxed), 1);
    assert_eq!(deployment.app.database.count("select count(*) from messages").await, 1);
}
