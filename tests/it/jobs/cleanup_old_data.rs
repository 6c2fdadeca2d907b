//! The cleanup-old-data function deletes expired rows and keeps all others.

mod products;

use dispatch::dispatcher::StepKind;
use serde_json::{Value, json};
use sigpost_jobs::payloads::CleanupOldData;

use super::deployment::Deployment;
use crate::support::TestDatabase;

/// SQL functions that insert rows of any age. Each row states whether it should be deleted or stay: messages in their
/// labels, runs in their type, deduplications in their key.
const ARRANGING: &str = "
    create function id_at(at timestamptz) returns uuid language sql volatile as $$
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
                || '8' || substr(md5(random()::text), 1, 15))::uuid
    $$;
    create function message(what text, status message_state, created interval, finished interval)
    returns uuid language sql volatile as $$
        insert into seeds.messages (id, state, due_at, url, method, header, body, retries, labels, not_before, created_at, finished_at)
        values (id_at(now() - created), status, case when finished is null then now() + interval '1 hour' end,
                'http://127.0.0.1:1/', 'POST', '{}', '', 3, array[what], now() - created, now() - created, now() - finished)
        returning id
    $$;
    create function run(what text, status job_execution_status, created interval, lease interval)
    returns uuid language sql volatile as $$
        insert into job_executions (id, message_id, job_type, attempt, status, lease_until, started_at, completed_at, created_at)
        values (id_at(now() - created), 'msg_' || gen_random_uuid(), what, 1, status, now() + lease, now() - created,
                case when lease is null then now() - created end, now() - created)
        returning id
    $$;";

/// Runs the cleanup. Returns its result without the number of created partitions (it may be one around midnight) and
/// without the rows of products, of which there are none.
async fn clean(deployment: &Deployment, days: u32) -> Value {
    let id = deployment.publish::<CleanupOldData>(&[], &json!({ "retention": days })).await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    let mut result = deployment.runs(id).await[0]["result"].take();
    let counts = result.as_object_mut().expect("an object");
    counts.remove("eventPartitionsMade").expect("a number");
    for name in ["emailLogs", "notifications", "activityLogs", "stripeEvents", "alerts", "flowControlKeys"] {
        assert_eq!(counts.remove(name), Some(json!(0)), "{name}");
    }
    result
}

/// Returns how many rows of the kind are left: those that should stay, and those that should be deleted.
async fn left(test: &TestDatabase, table: &str, what: &str) -> (i64, i64) {
    let count = async |wanted| test.count(&format!("select count(*) from {table} where {what} = '{wanted}'")).await;
    (count("stays").await, count("goes").await)
}

#[tokio::test]
async fn expired_rows_are_deleted_and_others_stay() {
    let deployment = Deployment::start(cleanup_old_data::router).await;
    let test = &deployment.app.database;
    test.execute(ARRANGING).await;
    // More rows of each kind than a batch, which is 2,000 rows.
    test.execute(
        "select message('goes', 'delivered', '40 days', '40 days') from generate_series(1, 4500);
         select message('goes', 'cancelled', '31 days', '31 days');
         insert into dead_letters (message_id, failed_at)
            select message('goes', 'failed', '40 days', '39 days'), now() - interval '39 days' from generate_series(1, 3);

         insert into dead_letters (message_id, failed_at)
            values (message('stays', 'failed', '29 days', '29 days'), now() - interval '29 days');
         insert into dead_letters (message_id) values (message('stays', 'failed', '40 days', '1 day'));
         select message('stays', 'delivered', '1 day', '1 day');
         select message('stays', 'pending', '40 days', null);",
    )
    .await;
    test.execute(
        "select run('goes', 'completed', '40 days', null) from generate_series(1, 2100);
         select run('goes', 'failed', '31 days', null);
         select run('stays', 'completed', '29 days', null);
         select run('stays', 'processing', '40 days', '10 seconds');
         select run('stays', 'processing', '2 hours', '-50 minutes');
         select run('stays', 'processing', '2 hours', '-61 minutes');",
    )
    .await;
    // Effects are deleted with their message, or by age if another dispatcher has the message.
    test.execute(
        "insert into effects select 'stays', 'email', id, gen_random_uuid(), '1', now() - interval '39 days'
            from message_states where labels[1] = 'stays' and created_at < now() - interval '39 days' and state = 'pending';
         insert into effects values ('stays', 'young', null, gen_random_uuid(), '1', now() - interval '29 days');
         insert into effects values ('goes', 'email', gen_random_uuid(), gen_random_uuid(), '1', now() - interval '31 days');",
    )
    .await;
    test.execute(
        "insert into deduplications
            select 'old-' || number, gen_random_uuid(), now() - interval '1 second' from generate_series(1, 2100) number;
         insert into deduplications values ('young', gen_random_uuid(), now() + interval '1 minute');",
    )
    .await;
    // Two past days with a partition: the day that is not over stays.
    test.execute("select seeds.create_day(35); select seeds.create_day(36)").await;
    test.execute(
        "select message('goes', 'delivered', '35 days', '35 days') from generate_series(1, 10);
         insert into dead_letters (message_id) values (message('goes', 'failed', '35 days', '35 days'));
         select message('stays', 'pending', '36 days', null);
         select message('stays', 'delivered', '36 days', '1 day');
         insert into past_events (at, message_id, state)
            select now() - interval '40 days', gen_random_uuid(), 'ACTIVE' from generate_series(1, 2100);
         insert into past_events (at, message_id, state) values (now() - interval '29 days', gen_random_uuid(), 'ACTIVE');",
    )
    .await;

    let expected = json!({
        "messages": 4515, "deadLetters": 4, "runs": 2101, "effects": 1, "deduplications": 2100, "events": 2100,
        "eventPartitions": 2, "closedRuns": 1,
    });
    assert_eq!(clean(&deployment, 30).await, expected);
    assert_eq!(left(test, "messages", "labels[1]").await, (6, 0));
    assert_eq!(test.count("select count(*) from message_states where labels[1] = 'stays' and state is null").await, 0);
    assert_eq!(test.count("select count(*) from attempts where ended_at < now() - interval '30 days'").await, 0);
    assert_eq!(test.count("select count(*) from job_executions where progress->>'messages' is not null").await, 1);
    assert_eq!(left(test, "job_executions", "job_type").await, (4, 0));
    assert_eq!(left(test, "effects", "message_id").await, (2, 0));
    assert_eq!(test.count("select count(*) from dead_letters").await, 2);
    assert_eq!(test.count("select count(*) from deduplications").await, 1);
    assert_eq!(test.count("select count(*) from past_events").await, 1);
    let closed =
        "select count(*) from job_executions where job_type = 'stays' and status = 'failed' and error is not null";
    assert_eq!(test.count(closed).await, 1);

    let nothing = json!({
        "messages": 0, "deadLetters": 0, "runs": 0, "effects": 0, "deduplications": 0, "events": 0, "eventPartitions": 0, "closedRuns": 0,
    });
    assert_eq!(clean(&deployment, 30).await, nothing);
}

#[tokio::test]
async fn open_read_of_the_log_blocks_only_the_log_cleanup() {
    let deployment = Deployment::start(cleanup_old_data::router).await;
    let test = &deployment.app.database;
    test.execute(ARRANGING).await;
    test.execute("select message('goes', 'delivered', '40 days', '40 days')").await;
    test.execute("select seeds.create_day(50)").await;

    // A long-running report.
    test.execute("begin; select count(*) from events").await;
    let id = deployment.publish::<CleanupOldData>(&[], &json!({ "retention": 30 })).await;
    deployment.app.wait_for(id, StepKind::Retried).await;
    test.execute("commit").await;
    assert_eq!(left(test, "messages", "labels[1]").await, (0, 0));
    assert_eq!(deployment.story(id).await, ["1 failed: the database is unavailable"]);

    deployment.app.make_messages_due().await;
    deployment.app.wait_for(id, StepKind::Delivered).await;
    let result = deployment.runs(id).await[1]["result"].take();
    assert_eq!((&result["messages"], &result["eventPartitions"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn retention_out_of_bounds_is_rejected_and_deletes_nothing() {
    let deployment = Deployment::start(cleanup_old_data::router).await;
    let test = &deployment.app.database;
    test.execute(ARRANGING).await;
    test.execute("select message('stays', 'delivered', '4000 days', '4000 days')").await;
    for (job, error) in [
        (json!({ "retention": 0 }), "retention: must be 1 to 3650 days"),
        (json!({ "retention": 3651 }), "retention: must be 1 to 3650 days"),
        (json!({ "retention": -1 }), "retention: must be a whole number, got -1"),
        (json!({ "retention": 1, "activityRetention": 0 }), "activityRetention: must be 1 to 3650 days"),
        (json!({}), "retention: is missing"),
    ] {
        let id = deployment.publish::<CleanupOldData>(&[], &job).await;
        deployment.app.wait_for(id, StepKind::Failed).await;
        let letter = deployment.app.get(&format!("/v2/dlq?messageId={id}")).await.body["messages"][0].clone();
        let said: Value = serde_json::from_str(letter["responseBody"].as_str().expect("a text")).expect("JSON");
        assert_eq!(said["error"], error);
    }
    assert_eq!(left(test, "messages", "labels[1]").await, (1, 0));
}
