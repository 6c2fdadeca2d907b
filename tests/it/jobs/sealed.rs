//! Sealed payloads: only the handler can read them, and they are deleted afterwards.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dispatch::dispatcher::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sigpost_jobs::{
    Client, EnqueueError, EnqueueOptions, Handler, Handlers, Harness, Job, JobContext, JobError, Outcome, SealingKeys,
    enqueue,
};
use sigpost_qstash::{DEV_TOKEN, MessageId};

use super::deployment::{Deployment, answer};
use crate::support::TestApp;

#[derive(Serialize, Deserialize)]
struct Whisper {
    words: String,
}

impl Job for Whisper {
    const TYPE: &'static str = "whisper";
    const ENDPOINT: &'static str = "/api/jobs/whisper";
    const SEALED: bool = true;
    const PURGE_PAYLOAD: bool = true;
}

/// Returns the length of its payload. Fails if the payload is empty.
struct Listener;

impl Handler for Listener {
    type Job = Whisper;

    async fn run(&self, job: Whisper, ctx: &JobContext) -> Result<Outcome, JobError> {
        match job.words.len() {
            0 if ctx.attempt == 1 => Err(JobError::retry_after(std::time::Duration::from_secs(3600), "nothing heard")),
            length => Ok(Outcome::with(length)),
        }
    }
}

const OLD: &str = "old:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "new:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn keys(list: &[&str]) -> SealingKeys {
    SealingKeys::parse("JOB_SEALING_KEYS", &list.join(",")).expect("keys")
}

/// Starts a handler with these keys.
async fn listening(list: &'static [&'static str]) -> Deployment {
    let handler = move |harness: Harness| {
        let handlers = harness.handlers.clone().with_sealing_keys(keys(list));
        sigpost_jobs::router(Listener, Harness { handlers, ..harness })
    };
    Deployment::of(TestApp::start().await, handler).await
}

async fn whisper(deployment: &Deployment, handlers: Handlers, words: &str) -> MessageId {
    let client = Client::new(&deployment.app.url, DEV_TOKEN, handlers).expect("a URL");
    let job = Whisper { words: words.into() };
    let enqueued = enqueue(&client, &job, EnqueueOptions::default()).await.expect("accepted");
    enqueued.message_id.parse().expect("an ID of sigpost")
}

#[tokio::test]
async fn sealed_payload_is_readable_only_by_its_handler_and_deleted() {
    let deployment = listening(&[NEW, OLD]).await;
    let database = &deployment.app.database;
    let sealed = async || {
        let sql = "select convert_from(m.body, 'utf8'), r.payload::text from message_states m
                   left join job_executions r on r.message_id like 'msg_%' where m.state = 'pending'";
        let row = database.query(sql, &[]).await.remove(0);
        (row.get::<_, String>(0), row.get::<_, Option<String>>(1))
    };
    // Pending until its retry.
    let old_handlers = deployment.handlers().with_sealing_keys(keys(&[OLD]));
    let id = whisper(&deployment, old_handlers, "").await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    let (body, payload) = sealed().await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["type"], body.get("payload")), (&json!("whisper"), None));
    let text = body["sealed"].as_str().expect("sealed");
    assert!(text.starts_with("v1.old."), "{text}");
    assert_eq!(payload, Some(json!(text).to_string()), "the recorded payload is sealed as well");

    database.execute("update pending_deliveries set due_at = now(); notify sigpost").await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    let kept = "select (select count(*) from job_executions where payload is not null)
                     + (select count(*) from messages where length(body) > 0)";
    assert_eq!(database.count(kept).await, 0);
    assert_eq!(deployment.story(id).await, ["1 failed: nothing heard", "2 completed"]);

    // The dispatcher that did not receive the response sends the remaining body, which is empty.
    let token =
        deployment.app.app.keys().keys().signer.sign(&deployment.endpoint::<Whisper>(), b"", jiff::Timestamp::now());
    let again = reqwest::Client::new().post(deployment.endpoint::<Whisper>()).header("Upstash-Signature", token);
    let again = answer(again.header("Upstash-Message-Id", id.to_string())).await;
    let duplicate = json!({ "success": true, "duplicate": true, "result": 0 });
    assert_eq!(again.body, duplicate);

    // The redrive of its dead letter does the same.
    let url = deployment.endpoint::<Whisper>();
    let token = deployment.app.app.keys().keys().signer.sign(&url, b"", jiff::Timestamp::now());
    let redriven = reqwest::Client::new().post(url).header("Upstash-Signature", token);
    let redriven = redriven.header("Upstash-Message-Id", MessageId::new().to_string());
    let redriven = answer(redriven.header("Upstash-Original-Message-Id", id.to_string())).await;
    assert_eq!(redriven.body, duplicate);
}

#[tokio::test]
async fn job_sealed_with_an_unknown_key_is_retried() {
    let deployment = listening(&[OLD]).await;
    let handlers = deployment.handlers().with_sealing_keys(keys(&[NEW]));
    let id = whisper(&deployment, handlers, "psst").await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    let event = deployment.app.event(id, "ERROR").await;
    assert_eq!(event["responseStatus"], 500);
    let said = STANDARD.decode(event["responseBody"].as_str().expect("base64")).expect("base64");
    let said: Value = serde_json::from_slice(&said).expect("JSON");
    let why = r#"the payload is sealed with the key "new", which is not in JOB_SEALING_KEYS"#;
    assert_eq!((&said["error"], deployment.runs(id).await.len()), (&json!(why), 0));
}

#[tokio::test]
async fn sealed_job_is_not_enqueued_without_a_key() {
    let deployment = listening(&[OLD]).await;
    let client = Client::new(&deployment.app.url, DEV_TOKEN, deployment.handlers()).expect("a URL");
    let job = Whisper { words: "psst".into() };
    let error = enqueue(&client, &job, EnqueueOptions::default()).await.expect_err("rejected");
    assert!(matches!(error, EnqueueError::Invalid(_)), "{error}");
    assert_eq!(error.to_string(), "whisper: is sealed, and JOB_SEALING_KEYS is not set");
}
