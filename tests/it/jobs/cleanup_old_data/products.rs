//! Rows that a product's handlers wrote, and unused flow-control keys.

use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_jobs::payloads::CleanupOldData;

use super::{ARRANGING, left};
use crate::jobs::deployment::Deployment;

/// The same for product rows, which state whether they should be deleted or stay in the e-mail's ID, the user, the
/// action or the ID.
const ARRANGING_PRODUCTS: &str = "
    create function email(what text, sent interval) returns void language sql as $$
        insert into email_logs (id, email_id, recipient, status, provider, metadata, sent_at, updated_at)
        values (id_at(now() - sent), gen_random_uuid(), what, 'sent', 'resend', null, now() - sent, now() - sent)
    $$;
    create function notification(what text, created interval, expires interval) returns void language sql as $$
        insert into notifications (id, message_id, user_id, kind, category, priority, title, message, expires_at, created_at)
        values (id_at(now() - created), 'msg_' || gen_random_uuid(), what, 'system.update', 'system', 'info', 'T', 'M',
                now() + expires, now() - created)
    $$;
    create function activity(what text, written interval, happened interval) returns void language sql as $$
        insert into activity_logs (id, organization_id, user_id, action, created_at)
        values (id_at(now() - written), 'org_9', 'user_7', what, now() - happened)
    $$;
    create function stripe_event(what text, processed interval) returns void language sql as $$
        insert into stripe_events (id, kind, at, message_id, processed_at)
        values ('evt_' || gen_random_uuid(), what, now() - interval '100 days', 'msg_1', now() - processed)
    $$;";

async fn start() -> Deployment {
    let deployment = Deployment::start(cleanup_old_data::router).await;
    deployment.app.database.execute(ARRANGING).await;
    deployment.app.database.execute(ARRANGING_PRODUCTS).await;
    deployment
}

/// Returns the part of the result about these rows.
async fn clean(deployment: &Deployment, job: Value) -> Value {
    let id = deployment.publish::<CleanupOldData>(&[], &job).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    let result = deployment.runs(id).await[0]["result"].take();
    let names = ["emailLogs", "notifications", "activityLogs", "stripeEvents", "alerts", "flowControlKeys"];
    names.iter().map(|name| result[name].clone()).collect()
}

#[tokio::test]
async fn expired_product_rows_are_deleted() {
    let deployment = start().await;
    let test = &deployment.app.database;
    // More rows of each kind than a batch, which is 2,000 rows.
    test.execute(
        "select email('goes', '8 days') from generate_series(1, 2100);
         select email('stays', '6 days');
         select notification('goes', '8 days', null) from generate_series(1, 2100);
         select notification('goes', '8 days', '1 day');
         select notification('goes', '1 day', '-1 second') from generate_series(1, 2100);
         select notification('stays', '6 days', null);
         select notification('stays', '1 day', '1 day');
         select activity('goes', '366 days', '366 days') from generate_series(1, 2100);
         select activity('stays', '364 days', '364 days');
         select activity('stays', '1 day', '366 days');
         select stripe_event('goes', '31 days') from generate_series(1, 2100);
         select stripe_event('stays', '29 days');
         insert into alerts (rule, subject, severity, value, message, announced, opened_at, resolved_at)
         select 'queue-age', what, 'warning', 1, '', false, now() - interval '9 days', over
         from (values ('goes', now() - interval '8 days'), ('stays', now() - interval '6 days'), ('stays too', null)) a(what, over);",
    )
    .await;
    assert_eq!(clean(&deployment, json!({ "retention": 7 })).await, json!([2100, 4201, 2100, 2100, 1, 0]));
    assert_eq!(left(test, "email_logs", "recipient").await, (1, 0));
    assert_eq!(left(test, "notifications", "user_id").await, (2, 0));
    assert_eq!(left(test, "activity_logs", "action").await, (2, 0));
    assert_eq!(left(test, "stripe_events", "kind").await, (1, 0), "Stripe may send it again");
    assert_eq!(left(test, "alerts", "subject").await, (1, 0));

    let result = clean(&deployment, json!({ "retention": 7, "activityRetention": 30 })).await;
    assert_eq!(result, json!([0, 0, 1, 0, 0, 0]));
}

#[tokio::test]
async fn unused_flow_control_key_is_deleted_and_recreated_on_use() {
    let deployment = start().await;
    let test = &deployment.app.database;
    let publish = async |key: &str, delay: &str| {
        let value = "parallelism=2";
        let headers =
            [("Upstash-Flow-Control-Key", key), ("Upstash-Flow-Control-Value", value), ("Upstash-Delay", delay)];
        deployment.app.publish_here(&headers, "").await.id()
    };
    for key in ["goes", "was-young", "was-paused", "was-pinned"] {
        let id = publish(key, "0s").await;
        deployment.app.wait_for(id, StepKind::Delivered).await;
    }
    publish("has-a-message", "1h").await;
    deployment.app.post("/v2/flowControl/was-paused/pause").await;
    deployment.app.post("/v2/flowControl/was-pinned/pin?parallelism=3").await;
    test.execute(
        "insert into gates (id, kind, name, parallelism) values ('queue:is-one', 'queue', 'is-one', 1);
         update gates set updated_at = now() - interval '8 days' where name <> 'was-young';",
    )
    .await;
    assert_eq!(clean(&deployment, json!({ "retention": 7 })).await, json!([0, 0, 0, 0, 0, 1]));
    let rows = test.query("select string_agg(name, ' ' order by name) from gates", &[]).await;
    assert_eq!(rows[0].get::<_, &str>(0), "has-a-message is-one was-paused was-pinned was-young");

    let id = publish("goes", "0s").await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(deployment.app.get("/v2/flowControl/goes").await.body["parallelismMax"], 2);
}

#[tokio::test]
async fn recently_used_flow_control_key_stays() {
    let deployment = start().await;
    let test = &deployment.app.database;
    let headers = [("Upstash-Flow-Control-Key", "busy"), ("Upstash-Flow-Control-Value", "parallelism=2")];
    let id = deployment.app.publish_here(&headers, "").await.id();
    deployment.app.wait_for(id, StepKind::Delivered).await;
    test.execute("update gates set updated_at = now() - interval '8 days'").await;
    // A publish changes only the time of last use.
    let id = deployment.app.publish_here(&headers, "").await.id();
    deployment.app.wait_for(id, StepKind::Delivered).await;
    assert_eq!(clean(&deployment, json!({ "retention": 7 })).await, json!([0, 0, 0, 0, 0, 0]));
    assert_eq!(test.count("select count(*) from gates where updated_at > now() - interval '1 hour'").await, 1);
}
