//! `GET /api/admin/queue-depth`, and the samples that it uses.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::Admin;

/// Returns the points of a response without their times.
fn points(body: &Value) -> Vec<Value> {
    let points = body["overTime"].as_array().expect("a list").clone();
    let without_time = |mut point: Value| {
        point.as_object_mut().expect("an object").remove("at").expect("a time");
        point
    };
    points.into_iter().map(without_time).collect()
}

#[tokio::test]
async fn queue_depth_is_sampled_once_per_minute() {
    let admin = Admin::start().await;
    for (state, due_in) in
        [("pending", "-7 seconds"), ("active", "-1 second"), ("pending", "1 hour"), ("active", "20 seconds")]
    {
        admin.message(state, due_in).await;
    }
    admin
        .database
        .execute(
            "insert into gates (id, kind, name, parallelism, paused) values ('queue:q', 'queue', 'q', 1, true);
             insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, gates, blocked_by, queue_name)
             select gen_random_uuid(), 'pending', 'http://127.0.0.1:1/', 'POST', '{}', '', 3, '{}', now(), '{queue:q}', 'queue:q', 'q'
             from generate_series(1, 3);
             insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
             values (gen_random_uuid(), 'failed', '', 'POST', '{}', '', 0, '{}', now(), now());
             insert into dead_letters (message_id) select id from message_states where state = 'failed';
             insert into queue_samples select now() - interval '1 day' * n, 1, 1, 1, 1, null, 1 from generate_series(7, 9, 2) n",
        )
        .await;
    let open = join_all((0..8).map(|_| admin.database.query("select sample_queue()", &[]))).await;
    assert!(open.iter().all(|rows| rows[0].get::<_, bool>(0)));

    // Two if a minute ended between the calls.
    let samples = admin.database.count("select count(*) from queue_samples where at > now() - interval '1 hour'").await;
    assert!((1..=2).contains(&samples), "{samples}");
    let mut newest = points(&admin.get("/queue-depth?window=5m").await.body).pop().expect("a point");
    let oldest = newest["oldestDueSeconds"].take().as_f64().expect("a number");
    assert!((7.0..70.0).contains(&oldest), "{oldest}");
    let each = |number: i64| json!({ "average": number as f64, "most": number });
    let expected = json!({
        "due": each(2), "scheduled": each(1), "active": each(1), "waiting": each(3), "oldestDueSeconds": null, "deadLetters": 1,
    });
    assert_eq!(newest, expected);
    // Samples older than the longest window are deleted.
    assert_eq!(
        admin.database.count("select count(*) from queue_samples where at < now() - interval '6 days'").await,
        1
    );
}

#[tokio::test]
async fn missing_samples_are_gaps_not_zeros() {
    let admin = Admin::start().await;
    let nothing = admin.get("/queue-depth").await.body;
    assert_eq!(nothing, json!({ "windowSeconds": 86400, "stepSeconds": 3600, "overTime": [] }));
    let open = admin.database.query("select sample_queue()", &[]).await;
    assert!(!open[0].get::<_, bool>(0));
    admin
        .database
        .execute(
            "delete from queue_samples;
             insert into queue_samples
             select date_trunc('hour', now(), 'utc') - make_interval(mins => n), n, 0, 1, 0, case when n = 150 then 9 end, n / 10
             from unnest(array[130, 150, 170, 290]) n",
        )
        .await;
    let body = admin.get("/queue-depth").await.body;
    let due: Vec<_> = points(&body).into_iter().map(|point| point["due"].clone()).collect();
    assert_eq!(due, [json!({ "average": 290.0, "most": 290 }), json!({ "average": 150.0, "most": 170 })]);
    let last = points(&body).pop().expect("a point");
    assert_eq!((&last["oldestDueSeconds"], &last["deadLetters"]), (&json!(9.0), &json!(17)));
    let minutes = admin.get("/queue-depth?window=30m").await.body;
    assert_eq!((&minutes["stepSeconds"], &minutes["overTime"]), (&json!(60), &json!([])));
    assert_eq!(admin.get("/queue-depth?window=8d").await.status, 400);
}
