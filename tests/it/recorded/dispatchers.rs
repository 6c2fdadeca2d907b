//! Another dispatcher takes over deliveries that the first did not complete.

use std::time::Duration;

use dispatch::dispatcher::StepKind;

use super::session::Session;
use crate::crash::{SHORT_LEASE, start_dispatcher};
use crate::support::{Answer, TestApp};

#[tokio::test]
async fn message_is_delivered_by_another_dispatcher_after_a_crash() {
    let mut s = Session::start_with("taken_over_after_a_crash", |config| config.dispatcher = None).await;
    s.app.receiver.answers([Answer::status(200).held(), Answer::status(200).body("done")]);
    let id = s.publish("/hook", &[("Upstash-Retries", "0")], "body").await;
    s.show(id).await;
    let mut killed = start_dispatcher(&s.app.database, SHORT_LEASE);
    s.app.receiver.next().await;
    killed.kill().await.expect("killed");
    s.show(id).await;
    let successor = TestApp::start_on(&s.app.database, |_| {}).await;
    successor.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    s.get("/v2/dlq").await;
    s.finish();
}

#[tokio::test]
async fn message_is_released_at_shutdown() {
    let change = |config: &mut dispatch::Config| {
        config.dispatcher.as_mut().expect("settings").grace = Duration::from_millis(50);
    };
    let mut s = Session::start_with("given_back_at_shutdown", change).await;
    s.app.receiver.answers([Answer::status(200).held(), Answer::status(200)]);
    let id = s.publish("/hook", &[], "body").await;
    s.app.receiver.next().await;
    s.app.app.shutdown().await;
    s.show(id).await;
    let successor = TestApp::start_on(&s.app.database, |_| {}).await;
    successor.wait_for(id, StepKind::Delivered).await;
    s.show(id).await;
    s.finish();
}

/// The only scenario that changes rows of messages directly.
#[tokio::test]
async fn message_fails_after_ten_lost_leases() {
    let mut s = Session::start_with("given_up_after_lost_leases", |config| config.dispatcher = None).await;
    let id = s.publish("/hook", &[], "body").await;
    s.app.database.execute("update pending_deliveries set deliveries = 11").await;
    let dispatcher = TestApp::start_on(&s.app.database, |_| {}).await;
    dispatcher.wait_for(id, StepKind::Failed).await;
    s.show(id).await;
    s.get("/v2/dlq").await;
    s.finish();
}
