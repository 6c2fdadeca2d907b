//! The migration from one table of messages to three keeps all messages.

use dispatch::dispatcher::StepKind;
use sigpost_qstash::MessageId;
use sigpost_store::{Database, migrate};

use crate::support::{TestApp, TestDatabase};

/// Number of delivered messages, besides those of each state.
const MANY: i64 = 3_000;

/// Creates a database of the previous release with messages in every state. Returns their names and IDs.
async fn before(url: &str) -> TestDatabase {
    let database = TestDatabase::empty().await;
    let store = Database::new(&database.url, 1).expect("a database");
    let applied = migrate::up(&store).await.expect("applied");
    let split = applied.iter().position(|name| name.ends_with("split_messages")).expect("the migration");
    migrate::down(&store, applied.len() - split).await.expect("taken back");
    let rows = include_str!("split.sql").replace("{url}", url).replace("{many}", &MANY.to_string());
    database.execute(&rows).await;
    database
}

async fn ids(database: &TestDatabase) -> Vec<(String, MessageId)> {
    let sql = "select labels[1], id::text from messages where labels <> '{many}' order by id";
    database
        .query(sql, &[])
        .await
        .iter()
        .map(|row| (row.get(0), MessageId(row.get::<_, &str>(1).parse().expect("an id"))))
        .collect()
}

#[tokio::test]
async fn messages_of_the_previous_release_are_delivered_and_read() {
    // Deliveries go to the receiver of an app with another database.
    let receiver = TestApp::start_with(|config| config.dispatcher = None).await;
    let database = before(&receiver.receiver.url("")).await;
    let ids = ids(&database).await;
    let store = Database::new(&database.url, 1).expect("a database");
    migrate::up(&store).await.expect("applied");

    let reading = TestApp::start_on(&database, |config| config.dispatcher = None).await;
    let mut states = Vec::new();
    for (name, id) in &ids {
        states.push(format!("{name}: {} {}", reading.message(*id).await["state"], reading.states(*id).await));
    }
    assert_eq!(
        states,
        [
            "due: \"CREATED\" CREATED",
            "scheduled: \"CREATED\" CREATED",
            "retrying: \"RETRY\" CREATED ACTIVE ERROR RETRY",
            "blocked: \"CREATED\" CREATED",
            "in-flight: \"ACTIVE\" CREATED ACTIVE",
            "delivered: \"DELIVERED\" CREATED ACTIVE DELIVERED",
            "failed: \"FAILED\" CREATED ACTIVE ERROR FAILED",
            "cancelled: \"CANCELED\" CREATED CANCEL_REQUESTED CANCELED",
        ]
    );
    assert_eq!(reading.get("/v2/dlq").await.body["messages"].as_array().map(Vec::len), Some(1));
    let found = reading.get("/v2/events?label=many&state=DELIVERED&count=10").await.body;
    assert_eq!(found["events"].as_array().map(Vec::len), Some(10));

    let delivering = TestApp::start_on(&database, |_| {}).await;
    for (name, id) in ids.iter().filter(|(name, _)| ["due", "retrying", "in-flight"].contains(&name.as_str())) {
        delivering.wait_for(*id, StepKind::Delivered).await;
        assert!(delivering.states(*id).await.ends_with("ACTIVE DELIVERED"), "{name}");
    }
    delivering.post("/v2/queues/paused/resume").await;
    let blocked = ids.iter().find(|(name, _)| name == "blocked").expect("one that is blocked");
    delivering.wait_for(blocked.1, StepKind::Delivered).await;
    let scheduled = ids.iter().find(|(name, _)| name == "scheduled").expect("one that is scheduled");
    delivering.make_messages_due().await;
    delivering.wait_for(scheduled.1, StepKind::Delivered).await;
}

#[tokio::test]
async fn revert_keeps_messages_and_events() {
    let database = before("https://a.example").await;
    let read = async || {
        let messages = "select labels[1], state::text, count(*) from messages group by 1, 2 order by 1";
        let events = "select state::text, count(*) from events group by 1 order by 1";
        let mut all = Vec::new();
        for row in database.query(messages, &[]).await {
            all.push(format!("{:?}", (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(2))));
        }
        for row in database.query(events, &[]).await {
            all.push(format!("{:?}", (row.get::<_, String>(0), row.get::<_, i64>(1))));
        }
        all
    };
    let store = Database::new(&database.url, 1).expect("a database");
    let was = read().await;
    let applied = migrate::up(&store).await.expect("applied");
    migrate::down(&store, applied.len()).await.expect("taken back");
    assert_eq!(read().await, was);
}
