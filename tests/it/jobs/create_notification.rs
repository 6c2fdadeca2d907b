//! The create-notification function, from a publish to its rows.

use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_jobs::payloads::CreateNotification;
use sigpost_jobs::payloads::create_notification::{Event, Kind, Recipients};
use sigpost_jobs::{EnqueueOptions, Job, enqueue_in};
use sigpost_qstash::MessageId;

use super::deployment::Deployment;

async fn start() -> Deployment {
    Deployment::start(create_notification::router).await
}

async fn deliver(deployment: &Deployment, job: &Value) -> MessageId {
    let id = deployment.publish::<CreateNotification>(&[], job).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    id
}

/// Returns the notifications without the fields that every row has.
async fn notifications(deployment: &Deployment) -> Vec<Value> {
    let sql = "select (to_jsonb(n) - '{id,message_id,created_at,read_at}'::text[])::text from notifications n order by user_id";
    let rows = deployment.app.database.query(sql, &[]).await;
    rows.iter().map(|row| serde_json::from_str(row.get(0)).expect("JSON")).collect()
}

#[tokio::test]
async fn notification_has_every_field_of_the_job() {
    let deployment = start().await;
    let job = json!({
        "userId": "user_7", "type": "billing.payment_failed", "priority": "critical", "title": "Payment failed",
        "message": "Please look at your card.", "metadata": { "actionUrl": "/app/settings/billing", "amount": 12 },
        "expiresAt": "2026-12-24T18:00:00.5Z",
    });
    let id = deliver(&deployment, &job).await;
    let expected = json!({
        "user_id": "user_7", "kind": "billing.payment_failed", "category": "billing", "priority": "critical",
        "title": "Payment failed", "message": "Please look at your card.",
        "metadata": { "actionUrl": "/app/settings/billing", "amount": 12 }, "expires_at": "2026-12-24T18:00:00.5+00:00",
    });
    assert_eq!(notifications(&deployment).await, [expected]);
    assert_eq!(deployment.runs(id).await[0]["result"], json!({ "created": 1 }));
}

#[tokio::test]
async fn job_notifies_each_user_once() {
    let deployment = start().await;
    let users: Vec<String> = (0..3000).map(|number| format!("user_{number:04}")).collect();
    let twice = [&users[..], &users[..10]].concat();
    let event = json!({ "type": "product.announcement", "title": "News", "message": "Look." });
    let id = deliver(&deployment, &json!({ "userIds": twice, "event": event })).await;
    assert_eq!(deployment.runs(id).await[0]["result"], json!({ "created": 3000 }));
    let told = notifications(&deployment).await;
    assert!(told.iter().map(|row| row["user_id"].as_str().expect("an id")).eq(users.iter()));
    assert_eq!(
        (&told[0]["category"], &told[0]["priority"], &told[0]["expires_at"]),
        (&json!("product"), &json!("info"), &Value::Null)
    );
}

#[tokio::test]
async fn repeated_run_creates_no_duplicate_notifications() {
    let deployment = start().await;
    let event = json!({ "type": "system.update", "title": "T", "message": "M" });
    let job = json!({ "userIds": ["a", "b"], "event": event });
    let id = deliver(&deployment, &job).await;

    // As if the first run's process crashed after its effect.
    let test = &deployment.app.database;
    test.execute(
        "update job_executions set status = 'processing', lease_until = now() - interval '1 s', completed_at = null, result = null;
         insert into pending_deliveries (id, due_at, body_bytes) select id, now(), octet_length(body) from messages;
         notify sigpost",
    )
    .await;
    deployment.app.wait_for_times(id, StepKind::Delivered, 2).await;
    assert_eq!(deployment.runs(id).await[1]["result"], json!({ "created": 0 }));
    assert_eq!(notifications(&deployment).await.len(), 2);

    deliver(&deployment, &job).await;
    assert_eq!(notifications(&deployment).await.len(), 4);
}

#[tokio::test]
async fn rust_job_equals_its_json() {
    let deployment = start().await;
    let database = deployment.app.app.database();
    let event = Event::new(Kind::TeamMemberAdded, "Welcome Bob", "Bob is in the team.");
    let job = CreateNotification { to: Recipients::User("user_1".into()), event };
    let mut conn = database.connection().await.expect("a connection");
    let id = enqueue_in(&mut conn, &deployment.handlers(), &job, EnqueueOptions::default()).await.expect("enqueued");
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(notifications(&deployment).await[0]["kind"], "team.member_added");
}

#[tokio::test]
async fn invalid_notification_is_a_dead_letter_that_names_the_field() {
    let deployment = start().await;
    let event = json!({ "type": "system.update", "title": "T", "message": "M" });
    let with = |name: &str, value: Value| {
        let mut event = event.clone();
        event[name] = value;
        event
    };
    let one = |mut event: Value| {
        event["userId"] = json!("u");
        event
    };
    for (job, error) in [
        (one(with("type", json!("system.nap"))), "type: must be one of `system.maintenance`"),
        (one(with("title", json!(""))), "title: must be 1 to 255 characters"),
        (one(with("message", json!("x".repeat(1001)))), "message: must be 1 to 1000 characters"),
        (one(with("priority", json!("urgent"))), "priority: must be "),
        (one(with("expiresAt", json!("soon"))), "expiresAt: "),
        (one(with("metadata", json!({ "actionUrl": "https://a.example" }))), "metadata.actionUrl: must be a path"),
        (event.clone(), "userId: is missing"),
        (json!({ "userIds": ["u"] }), "event: is missing"),
        (json!({ "userIds": ["u"], "event": { "type": "system.update", "title": "T" } }), "event.message: is missing"),
        (json!({ "userIds": ["u", ""], "event": event }), "userIds[1]: must be 1 to 255 bytes"),
        (json!({ "userIds": [], "event": event }), "userIds: must be 1 to 10000 users"),
        (json!({ "userIds": ["u"], "event": with("category", json!("sports")) }), "event.category: must be "),
    ] {
        let id = deployment.publish::<CreateNotification>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let said = deployment.dead_letter_error(id).await;
        assert!(said.starts_with(error), "{said}");
    }
    assert_eq!((notifications(&deployment).await.len(), deployment.run_count().await), (0, 0));
    assert_eq!(
        (CreateNotification::TYPE, CreateNotification::ENDPOINT),
        ("create-notification", "/api/jobs/notifications")
    );
}
