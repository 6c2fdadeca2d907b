//! A dispatcher is killed, and another takes over.

use std::collections::HashMap;
use std::process::Stdio;

use futures_util::future::join_all;
use sigpost_qstash::{DEV_TOKEN, MessageId};
use tokio::process::{Child, Command};

use crate::support::{Answer, Received, TestApp, TestDatabase};

const MESSAGES: usize = 200;
const DELIVERED_BEFORE: usize = 100;
const IN_FLIGHT: usize = 32;

/// Lease in seconds for a dispatcher that the test kills, so that others take over soon.
pub(crate) const SHORT_LEASE: u32 = 2;

#[tokio::test]
async fn killed_dispatcher_loses_no_messages() {
    let publisher = TestApp::start_with(|config| config.dispatcher = None).await;
    let receiver = &publisher.receiver;
    receiver.answers((0..DELIVERED_BEFORE).map(|_| Answer::status(200)));
    receiver.otherwise(Answer::status(200).held());
    let published = join_all((0..MESSAGES).map(|_| publisher.publish_here(&[], ""))).await;

    // Capacity is freed after the commit: when this many deliveries are held, the others are recorded.
    let mut killed = start_dispatcher(&publisher.database, SHORT_LEASE);
    let before = receiver.next_many(DELIVERED_BEFORE + IN_FLIGHT).await;
    killed.kill().await.expect("killed");
    let state = async |state| {
        publisher.database.count(&format!("select count(*) from message_states where state = '{state}'")).await as usize
    };
    assert_eq!((state("delivered").await, state("active").await), (DELIVERED_BEFORE, IN_FLIGHT));

    receiver.otherwise(Answer::status(200));
    receiver.release(IN_FLIGHT);
    let successor = TestApp::start_on(&publisher.database, |_| {}).await;
    let after = receiver.next_many(MESSAGES - DELIVERED_BEFORE).await;
    successor.app.shutdown().await;

    assert_eq!(state("delivered").await, MESSAGES);
    let delivered = "select count(distinct message_id) from events where state = 'DELIVERED'";
    assert_eq!(publisher.database.count(delivered).await as usize, MESSAGES);
    assert_eq!(
        publisher.database.count("select count(*) from events where state = 'DELIVERED'").await as usize,
        MESSAGES
    );
    let mut times: HashMap<MessageId, usize> = HashMap::new();
    for request in before.iter().chain(&after).chain(&receiver.all_so_far().await) {
        *times.entry(id_of(request)).or_default() += 1;
    }
    let expected = |id| if before[DELIVERED_BEFORE..].iter().any(|request| id_of(request) == id) { 2 } else { 1 };
    for id in published.iter().map(|answer| answer.id()) {
        assert_eq!(times.get(&id), Some(&expected(id)), "{id}");
    }
    // A killed dispatcher does not count as a failure of the destination.
    assert!(after.iter().all(|request| request.header("upstash-retried") == "0"));
}

pub(crate) fn start_dispatcher(database: &TestDatabase, lease_s: u32) -> Child {
    Command::new(env!("CARGO_BIN_EXE_killable-dispatcher"))
        .env_clear()
        .env("DATABASE_URL", &database.url)
        .env("QSTASH_TOKEN", DEV_TOKEN)
        .env("LISTEN", "127.0.0.1:0")
        .env("ALLOW_TARGETS", "127.0.0.0/8")
        .env("LEASE_SECONDS", lease_s.to_string())
        .env("MAX_IN_FLIGHT", IN_FLIGHT.to_string())
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a process")
}

fn id_of(request: &Received) -> MessageId {
    request.header("upstash-message-id").parse().expect("a message id")
}
