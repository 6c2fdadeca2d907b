//! Lists of the admin API, on inserted rows.

use serde_json::json;

use super::Admin;

#[tokio::test]
async fn active_runs_are_listed_oldest_first() {
    let admin = Admin::start().await;
    admin.insert_active_run("msg_young", "10 seconds", "20 seconds").await;
    admin.insert_active_run("msg_old", "5 minutes", "-1 minute").await;
    admin.runs(1, "play", "completed", "1 minute").await;
    let runs = admin.get("/active").await.body["runs"].clone();
    let ids: Vec<_> = runs.as_array().expect("a list").iter().map(|run| run["messageId"].clone()).collect();
    assert_eq!(ids, ["msg_old", "msg_young"]);
    assert!((300.0..360.0).contains(&runs[0]["ageSeconds"].as_f64().expect("a number")), "{runs}");
    assert!(runs[0]["leaseLeftSeconds"].as_f64().expect("a number") < -59.0, "{runs}");
}

#[tokio::test]
async fn dead_letters_are_grouped_by_destination_and_response() {
    let admin = Admin::start().await;
    admin
        .database
        .execute(
            "insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, finished_at)
             select gen_random_uuid(), 'failed', 'https://a.example/' || n % 2 || '?n=' || n, 'POST', '{}', '', 0, '{}', now(), now()
             from generate_series(1, 5) n;
             insert into dead_letters (message_id, failed_at, response_status, error)
             select id, now() - interval '1 hour', 500, 'old' from messages where url like '%/1?n=1';
             insert into dead_letters (message_id, response_status, error)
             select id, 500, 'new' from messages where url like '%/1?n=_' and url not like '%n=1';
             insert into dead_letters (message_id, response_status)
             select id, 0 from messages where url like '%/0?n=_'",
        )
        .await;
    let groups = admin.get("/dead-letters").await.body["groups"].clone();
    let brief: Vec<_> = groups
        .as_array()
        .expect("a list")
        .iter()
        .map(|group| json!([group["destination"], group["responseStatus"], group["error"], group["count"]]))
        .collect();
    assert_eq!(brief, [json!(["a.example/1", 500, "new", 3]), json!(["a.example/0", 0, null, 2])]);
    let (first, last) = (groups[0]["firstAt"].as_i64(), groups[0]["lastAt"].as_i64());
    assert!(
        last.zip(first).is_some_and(|(last, first)| (3_600_000 - 5..3_600_005).contains(&(last - first))),
        "{groups}"
    );
}

#[tokio::test]
async fn schedules_are_listed_with_their_delay() {
    let admin = Admin::start().await;
    admin
        .database
        .execute(
            "insert into schedules (id, version, cron, destination, parameters, body, catch_up, next_fire_at)
             values ('late', 1, '* * * * *', 'https://a.example', '{}', '', 'last', now() - interval '10 minutes'),
                    ('punctual', 2, '0 0 * * *', 'group', '{}', '', 'last', now() + interval '1 hour')",
        )
        .await;
    let schedules = admin.get("/schedules").await.body["schedules"].clone();
    assert_eq!((&schedules[0]["id"], &schedules[1]["id"]), (&json!("late"), &json!("punctual")));
    assert!((600.0..660.0).contains(&schedules[0]["lateSeconds"].as_f64().expect("a number")), "{schedules}");
    assert_eq!((&schedules[1]["lateSeconds"], &schedules[1]["mirrored"]), (&json!(0.0), &json!(false)));
}

#[tokio::test]
async fn blocked_messages_are_listed_by_limit() {
    let admin = Admin::start().await;
    admin
        .database
        .execute(
            "insert into gates (id, kind, name, parallelism, rate, period_s, paused, period_start, period_count)
             values ('queue:q', 'queue', 'q', 1, null, 1, true, null, 0),
                    ('flow:k', 'flow_control', 'k', null, 10, 60, false, now(), 4),
                    ('flow:over', 'flow_control', 'over', null, 10, 60, false, now() - interval '61 seconds', 10);
             insert into seeds.messages (id, state, url, method, header, body, retries, labels, not_before, gates, blocked_by, queue_name)
             select gen_random_uuid(), 'pending', 'https://a.example', 'POST', '{}', '', 3, '{}', now(), '{queue:q}', 'queue:q', 'q'
             from generate_series(1, 3)",
        )
        .await;
    let expected = json!([
        { "kind": "queue", "name": "q", "paused": true, "waiting": 3, "taken": 0, "parallelism": 1, "started": 0,
          "rate": null, "periodSeconds": 1 },
        { "kind": "flow_control", "name": "k", "paused": false, "waiting": 0, "taken": 0, "parallelism": null,
          "started": 4, "rate": 10, "periodSeconds": 60 },
        { "kind": "flow_control", "name": "over", "paused": false, "waiting": 0, "taken": 0, "parallelism": null,
          "started": 0, "rate": 10, "periodSeconds": 60 },
    ]);
    assert_eq!(admin.get("/throttle").await.body["gates"], expected);
}

#[tokio::test]
async fn signing_keys_are_identified_without_their_values() {
    let admin = Admin::start().await;
    assert_eq!(admin.get("/keys").await.body, json!({ "keys": null }));
    admin
        .database
        .execute("insert into signing_keys values (true, 'sig_one', 'sig_two', now() - interval '90 days')")
        .await;
    let body = admin.get("/keys").await.body;
    assert!(!body.to_string().contains("sig_"), "{body}");
    assert_eq!(body["keys"]["currentFingerprint"].as_str().map(str::len), Some(12));
    assert_ne!(body["keys"]["currentFingerprint"], body["keys"]["nextFingerprint"]);
    let days = body["keys"]["ageSeconds"].as_f64().expect("a number") / 86_400.0;
    assert!((90.0..90.01).contains(&days), "{days}");
}
