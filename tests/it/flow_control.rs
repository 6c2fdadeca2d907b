//! `/v2/flowControl`, and the rate and parallelism of messages with a key.

use dispatch::dispatcher::StepKind;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;

use crate::support::{Answer, Answered, Receiver, TestApp};

async fn publish(app: &TestApp, path: &str, key: &str, value: &str) -> MessageId {
    let headers = [("Upstash-Flow-Control-Key", key), ("Upstash-Flow-Control-Value", value)];
    app.publish(&app.receiver.url(path), &headers, "").await.id()
}

async fn key(app: &TestApp, key: &str) -> Value {
    app.get(&format!("/v2/flowControl/{key}")).await.body
}

async fn control(app: &TestApp, key: &str, what: &str) -> Answered {
    app.post(&format!("/v2/flowControl/{key}/{what}")).await
}

/// Returns after the dispatcher has scanned all limits with blocked messages: limits are scanned together, and this
/// function's message is delivered after that.
async fn wait_for_claims(app: &TestApp) {
    let aside = Receiver::start().await;
    let headers = [("Upstash-Flow-Control-Key", "aside"), ("Upstash-Flow-Control-Value", "parallelism=100")];
    for _ in 0..2 {
        app.publish(&aside.url("/"), &headers, "").await;
        aside.next().await;
    }
}

/// Ends the current period.
async fn end_period(app: &TestApp) {
    let sql = "update gates set period_start = period_start - make_interval(secs => period_s); notify sigpost";
    app.database.execute(sql).await;
}

async fn next_path(app: &TestApp) -> String {
    app.receiver.next().await.uri.to_string()
}

/// Wire reference, section 10: row 42; section 0: trap 9.
/// The period is always shown. The key is readable immediately, before any delivery.
#[tokio::test]
async fn key_is_readable_after_the_first_publish() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    publish(&app, "/hook", "k", "parallelism=5").await;
    let expected = json!({
        "flowControlKey": "k",
        "waitListSize": 1,
        "parallelismMax": 5,
        "parallelismCount": 0,
        "rateMax": 0,
        "rateCount": 0,
        "ratePeriod": 1,
        "ratePeriodStart": 0,
        "isPinnedParallelism": false,
        "isPinnedRate": false,
        "isPaused": false,
    });
    assert_eq!(key(&app, "k").await, expected);
    assert_eq!(app.get("/v2/flowControl").await.body, json!([expected]));
    let missing = app.get("/v2/flowControl/other").await;
    assert_eq!((missing.status, missing.error()), (StatusCode::NOT_FOUND, "flow control key other not found"));
}

/// Wire reference, section 10: row 35.
/// Keys are free text, which a path can contain.
#[tokio::test]
async fn keys_are_found_by_substring() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    for name in ["user/1 a", "user%2", "other"] {
        publish(&app, "/hook", name, "rate=1, period=60").await;
    }
    let found = |query: &'static str| {
        let app = &app;
        async move {
            let keys = app.get(&format!("/v2/flowControl{query}")).await.body;
            let names =
                keys.as_array().expect("an array").iter().map(|key| key["flowControlKey"].as_str().expect("text"));
            names.collect::<Vec<_>>().join(",")
        }
    };
    assert_eq!(found("").await, "other,user%2,user/1 a");
    assert_eq!(found("?search=user").await, "user%2,user/1 a");
    assert_eq!(found("/?search=user%25").await, "user%2", "not a pattern");
    assert_eq!(key(&app, "user%2F1%20a").await["flowControlKey"], "user/1 a");
    assert_eq!(key(&app, "user%252").await["ratePeriod"], 60);
    assert_eq!(app.get(&format!("/v2/flowControl/{}", "x".repeat(257))).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn parallelism_is_bounded_and_pending_retries_hold_no_slot() {
    let app = TestApp::start().await;
    app.receiver.answers([Answer::status(500).held(), Answer::status(200).held()]);
    let first = publish(&app, "/1", "k", "parallelism=1").await;
    assert_eq!(next_path(&app).await, "/1");
    let second = publish(&app, "/2", "k", "parallelism=1").await;
    wait_for_claims(&app).await;
    assert_eq!(app.states(second).await, "CREATED");
    let now = key(&app, "k").await;
    assert_eq!((&now["parallelismCount"], &now["waitListSize"]), (&json!(1), &json!(1)));

    app.receiver.release(1);
    assert_eq!(next_path(&app).await, "/2", "while the first waits for its retry");
    app.make_messages_due().await;
    app.receiver.release(1);
    app.wait_for(second, StepKind::Delivered).await;
    assert_eq!(next_path(&app).await, "/1");
    app.wait_for(first, StepKind::Delivered).await;
    let now = key(&app, "k").await;
    assert_eq!((&now["parallelismCount"], &now["waitListSize"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn rate_bounds_the_starts_of_each_period() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(publish(&app, &format!("/{number}"), "k", "rate=2, period=1h").await);
    }
    for (starts, waiting, count) in [(2, 3, 2), (2, 1, 2), (1, 0, 1)] {
        app.receiver.next_many(starts).await;
        wait_for_claims(&app).await;
        assert!(app.receiver.all_so_far().await.is_empty(), "a message over the rate is blocked and does not fail");
        let now = key(&app, "k").await;
        let numbers = (&now["rateMax"], &now["rateCount"], &now["waitListSize"], &now["ratePeriod"]);
        assert_eq!(numbers, (&json!(2), &json!(count), &json!(waiting), &json!(3600)));
        let start_s = now["ratePeriodStart"].as_i64().expect("seconds");
        assert!((start_s - jiff::Timestamp::now().as_second()).abs() < 60);
        end_period(&app).await;
    }
    assert_eq!(key(&app, "k").await["rateCount"], 0);
}

#[tokio::test]
async fn message_with_several_keys_respects_all_limits() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    let both = [
        ("Upstash-Flow-Control-Key", "rate"),
        ("Upstash-Flow-Control-Value", "rate=2, period=1h"),
        ("Upstash-Sigpost-Flow-Control-Key-2", "slot"),
        ("Upstash-Sigpost-Flow-Control-Value-2", "parallelism=1"),
    ];
    for _ in 0..3 {
        app.publish_here(&both, "").await;
    }
    app.receiver.next().await;
    wait_for_claims(&app).await;
    assert!(app.receiver.all_so_far().await.is_empty(), "one slot");
    assert_eq!(key(&app, "rate").await["rateCount"], 1, "a message blocked by parallelism does not count in the rate");
    app.receiver.release(1);
    app.receiver.next().await;
    app.receiver.release(1);
    wait_for_claims(&app).await;
    assert!(app.receiver.all_so_far().await.is_empty(), "two in this period");
    end_period(&app).await;
    app.receiver.next().await;
    app.receiver.release(1);
}

/// One claim starts a message at the first limit, which also counts at the second, before it comes to the second.
#[tokio::test]
async fn message_with_several_keys_counts_at_limits_that_are_claimed_together() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let both = [
        ("Upstash-Flow-Control-Key", "a"),
        ("Upstash-Flow-Control-Value", "parallelism=1"),
        ("Upstash-Sigpost-Flow-Control-Key-2", "b"),
        ("Upstash-Sigpost-Flow-Control-Value-2", "rate=2, period=1h"),
    ];
    app.publish_here(&both, "").await;
    for _ in 0..2 {
        publish(&app, "/", "b", "rate=2, period=1h").await;
    }
    let claim =
        "select count(*) from claim_blocked(array['flow:a', 'flow:b'], gen_random_uuid(), 600, 10, 65536, 1000000)
                 where (content).id is not null";
    assert_eq!(app.database.count(claim).await, 2);
    assert_eq!(key(&app, "b").await["rateCount"], 2);
}

#[tokio::test]
async fn flow_control_applies_inside_a_queue() {
    let app = TestApp::start().await;
    let rate = [
        ("Upstash-Flow-Control-Key", "k"),
        ("Upstash-Flow-Control-Value", "rate=1, period=1h"),
        ("Upstash-Queue-Name", "q"),
    ];
    let first = app.publish_here(&rate, "1").await.id();
    let second = app.publish_here(&rate, "2").await.id();
    app.wait_for(first, StepKind::Delivered).await;
    wait_for_claims(&app).await;
    assert_eq!(app.states(second).await, "CREATED");
    end_period(&app).await;
    app.wait_for(second, StepKind::Delivered).await;
}

/// Wire reference, section 10: rows 33 and 37.
/// The newest message sets the limits; a pin without a period keeps the current period.
#[tokio::test]
async fn pinned_limits_ignore_messages_until_unpinned() {
    let app = TestApp::start_with(|config| config.dispatcher = None).await;
    let bounds = async |app: &TestApp| {
        let now = key(app, "k").await;
        let names = ["parallelismMax", "rateMax", "ratePeriod", "isPinnedParallelism", "isPinnedRate"];
        Value::from(names.map(|name| now[name].clone()).to_vec())
    };
    publish(&app, "/", "k", "parallelism=1, rate=1, period=10").await;
    publish(&app, "/", "k", "parallelism=2, rate=2, period=20").await;
    assert_eq!(bounds(&app).await, json!([2, 2, 20, false, false]));
    assert_eq!(control(&app, "k", "pin?parallelism=5&rate=6").await.status, StatusCode::OK);
    publish(&app, "/", "k", "parallelism=3, rate=3, period=30").await;
    assert_eq!(bounds(&app).await, json!([5, 6, 20, true, true]));

    assert_eq!(control(&app, "k", "unpin?parallelism=True").await.status, StatusCode::OK);
    assert_eq!(bounds(&app).await, json!([5, 6, 20, false, true]), "the values stay until a message brings new ones");
    publish(&app, "/", "k", "parallelism=4, rate=4, period=40").await;
    assert_eq!(bounds(&app).await, json!([4, 6, 20, false, true]));
    control(&app, "k", "unpin?rate=true&parallelism=false").await;
    publish(&app, "/", "k", "parallelism=4, rate=4, period=40").await;
    assert_eq!(bounds(&app).await, json!([4, 4, 40, false, false]));
    control(&app, "new", "pin?rate=1&period=60").await;
    assert_eq!((&key(&app, "new").await["ratePeriod"], &key(&app, "new").await["rateMax"]), (&json!(60), &json!(1)));

    control(&app, "newer", "pin?rate=1").await;
    assert_eq!(key(&app, "newer").await["ratePeriod"], 1);

    for what in [
        "pin",
        "pin?parallelism=0",
        "pin?rate=-1",
        "pin?rate=x",
        "pin?rate=1&period=0",
        "pin?rate=1&period=8d",
        "pin?period=60",
        "pin?parallelism=1&period=5",
        "pin?paralellism=1",
        "unpin?rate=perhaps",
    ] {
        let rejected = control(&app, "k", what).await;
        assert_eq!(rejected.status, StatusCode::BAD_REQUEST, "{what}");
        assert!(!rejected.error().is_empty());
    }
}

#[tokio::test]
async fn pinned_limit_applies_immediately() {
    let app = TestApp::start().await;
    app.receiver.otherwise(Answer::status(200).held());
    for number in 0..3 {
        publish(&app, &format!("/{number}"), "k", "parallelism=1").await;
    }
    app.receiver.next().await;
    control(&app, "k", "pin?parallelism=3").await;
    app.receiver.next_many(2).await;
    assert_eq!(key(&app, "k").await["parallelismCount"], 3);
}

/// Wire reference, section 10: row 34.
/// The reset has two names.
#[tokio::test]
async fn paused_key_blocks_messages_and_reset_clears_the_rate() {
    let app = TestApp::start().await;
    assert_eq!(control(&app, "k", "pause").await.status, StatusCode::OK, "before its first message");
    publish(&app, "/1", "k", "rate=1, period=1h").await;
    wait_for_claims(&app).await;
    let now = key(&app, "k").await;
    assert_eq!((&now["isPaused"], &now["waitListSize"], &now["rateMax"]), (&json!(true), &json!(1), &json!(1)));
    control(&app, "k", "resume").await;
    assert_eq!(next_path(&app).await, "/1");
    assert_eq!(key(&app, "k").await["isPaused"], false);

    for (path, reset) in [("/2", "resetRate"), ("/3", "reset")] {
        publish(&app, path, "k", "rate=1, period=1h").await;
        wait_for_claims(&app).await;
        assert_eq!(key(&app, "k").await["rateCount"], 1);
        assert!(app.receiver.all_so_far().await.is_empty());
        assert_eq!(control(&app, "k", reset).await.status, StatusCode::OK);
        assert_eq!(next_path(&app).await, path);
    }
    control(&app, "k", "pause").await;
    control(&app, "k", "resetRate").await;
    assert_eq!(key(&app, "k").await["rateCount"], 0);
}

/// The Python SDK's tests: a message that starts a moment after the reset would be counted in the new period.
#[tokio::test]
async fn messages_published_before_a_reset_are_not_counted() {
    let app = TestApp::start().await;
    for number in 0..20 {
        let name = number.to_string();
        publish(&app, "/hook", &name, "rate=10, period=60s").await;
        control(&app, &name, "resetRate").await;
        app.receiver.next().await;
        assert_eq!(key(&app, &name).await["rateCount"], 0);
    }
}

/// Wire reference, section 10: row 36.
#[tokio::test]
async fn global_parallelism_shows_process_limit_and_current_total() {
    let app = TestApp::start_with(|config| config.dispatcher.as_mut().expect("a dispatcher").max_in_flight = 7).await;
    let idle = TestApp::start_on(&app.database, |config| config.dispatcher = None).await;
    app.receiver.otherwise(Answer::status(200).held());
    for _ in 0..2 {
        app.publish_here(&[], "").await;
        app.receiver.next().await;
    }
    app.publish_here(&[("Upstash-Delay", "10s")], "").await;
    let shown = app.get("/v2/globalParallelism").await;
    assert_eq!((shown.status, shown.body), (StatusCode::OK, json!({ "parallelismMax": 7, "parallelismCount": 2 })));
    let shown = idle.get("/v2/globalParallelism").await.body;
    assert_eq!(shown, json!({ "parallelismMax": 0, "parallelismCount": 2 }));
}
