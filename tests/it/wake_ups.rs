//! A blocked message starts as soon as its limits allow: every statement that changes when a message may start
//! produces a wake-up. The lease is so long here that no rescan of all limits can hide a missing one.

mod cancelled;
mod periods;
mod raised;
mod stopping;

use std::time::Duration;

use dispatch::dispatcher::StepKind;
use sigpost_qstash::MessageId;

use crate::support::{TestApp, TestDatabase};

/// Longer than any test: limits are rescanned once per lease.
const LONG_LEASE: Duration = Duration::from_secs(600);

async fn start() -> TestApp {
    start_on(&TestDatabase::new().await).await
}

/// Publishes one message first, because the first publish of a second notifies the dispatchers, which then rescan.
async fn start_on(database: &TestDatabase) -> TestApp {
    let app =
        TestApp::start_on(database, |config| config.dispatcher.as_mut().expect("settings").lease = LONG_LEASE).await;
    let first = app.publish_here(&[], "").await.id();
    app.wait_for(first, StepKind::Delivered).await;
    app.receiver.next().await;
    app
}

/// Publishes to this path of the receiver with flow-control keys and their values, and other headers.
async fn publish(app: &TestApp, path: &str, keys: &[(&str, &str)], headers: &[(&str, &str)]) -> MessageId {
    let mut headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    for (number, (name, value)) in keys.iter().enumerate() {
        let prefix = if number == 0 { "Upstash-Flow-Control" } else { "Upstash-Sigpost-Flow-Control" };
        let suffix = if number == 0 { String::new() } else { format!("-{}", number + 1) };
        headers.push((format!("{prefix}-Key{suffix}"), (*name).to_owned()));
        headers.push((format!("{prefix}-Value{suffix}"), (*value).to_owned()));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    app.publish(&app.receiver.url(path), &headers, "").await.id()
}

async fn next_path(app: &TestApp) -> String {
    app.receiver.next().await.uri.to_string()
}

/// Returns the seconds between the first attempts of two messages, by the database's clock.
async fn seconds_between(app: &TestApp, first: MessageId, second: MessageId) -> f64 {
    let sql = "select extract(epoch from b.at - a.at)::float8
               from events a, events b
               where a.message_id = $1::text::uuid and a.state = 'ACTIVE' and b.message_id = $2::text::uuid and b.state = 'ACTIVE'
               order by a.at, b.at limit 1";
    app.database.query(sql, &[&first.0.to_string(), &second.0.to_string()]).await[0].get(0)
}
