//! A completed message does not run again, and an active one runs only once at a time.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use dispatch::dispatcher::StepKind;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sigpost_qstash::MessageId;
use sigpost_store::Database;
use sigpost_store::runs::{Begun, Finish, NewRun, begin, finish};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::actor::{Act, Ended, Play, actor};
use super::deployment::{Deployment, answer, answer_later};
use crate::support::TestDatabase;

const BODY: &str = r#"{"scenes":[1]}"#;

#[tokio::test]
async fn repeated_delivery_starts_no_second_run() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let first = answer_later(deployment.delivery(id, BODY));
    stage.started().await;

    let duplicate = json!({ "success": true, "duplicate": true, "result": { "scenes": 1 } });
    // Repeated while it runs, byte for byte, and as the dispatcher's next attempt: both wait for its end.
    let meanwhile =
        ["0", "1"].map(|retried| answer_later(deployment.delivery(id, BODY).header("Upstash-Retried", retried)));

    stage.release();
    for waiting in meanwhile {
        let waiting = waiting.await.expect("joined");
        assert_eq!((waiting.status.as_u16(), &waiting.body), (200, &duplicate));
    }
    let first = first.await.expect("joined");
    assert_eq!((first.status.as_u16(), first.body), (200, json!({ "success": true, "result": { "scenes": 1 } })));
    for retried in ["0", "1"] {
        let again = answer(deployment.delivery(id, BODY).header("Upstash-Retried", retried)).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &duplicate));
    }
    assert_eq!((stage.runs(), deployment.story(id).await), (1, vec!["1 completed".to_owned()]));
}

#[tokio::test]
async fn run_that_outlives_its_dispatcher_completes_the_message() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = deployment.publish::<Play>(&[("Upstash-Retries", "0")], &json!({ "scenes": [1] })).await;
    stage.started().await;

    // As if the dispatcher was killed: the lease expired, and the message is delivered again.
    let app = &deployment.app;
    app.database.execute("update pending_deliveries set lease_until = now(); notify sigpost").await;
    app.wait_for_times(id, StepKind::Pushed, 2).await;
    stage.release();

    app.wait_for(id, StepKind::Delivered).await;
    assert_eq!((stage.runs(), deployment.story(id).await), (1, vec!["1 completed".to_owned()]));
}

#[tokio::test]
async fn run_with_an_expired_lease_is_closed_and_changes_nothing() {
    let (deployment, mut stage) = Deployment::acting().await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let first = answer_later(deployment.delivery(id, BODY));
    stage.started().await;

    // As if its process paused for longer than the lease.
    deployment.app.database.execute("update job_executions set lease_until = now() - interval '1 second'").await;
    let second = answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await;
    assert_eq!(second.body, json!({ "success": true, "result": { "scenes": 1 } }));
    let runs = deployment.runs(id).await;
    let story = ["1 failed: the run's lease expired; its process is believed dead", "2 completed"];
    assert_eq!(deployment.story(id).await, story);

    stage.release();
    let first = first.await.expect("joined");
    assert_eq!(first.rejection(), (409, "the run lost its lease, another one may have started"));
    assert_eq!((stage.runs(), deployment.runs(id).await), (2, runs));
}

#[tokio::test]
async fn disconnected_sender_does_not_stop_the_run() {
    let (actor, mut stage) = actor();
    let (left_sender, mut left) = mpsc::unbounded_channel();
    // Signals that the server dropped a request.
    let watch = from_fn(move |request: Request, next: Next| {
        let left = left_sender.clone();
        async move {
            let _until_dropped = SendOnDrop(left);
            next.run(request).await
        }
    });
    let deployment = Deployment::start(|harness| sigpost_jobs::router(actor, harness).layer(watch)).await;
    stage.will([Act::SucceedWhenReleased]);
    let id = MessageId::new();
    let first = answer_later(deployment.delivery(id, BODY));
    stage.started().await;

    first.abort();
    left.recv().await.expect("the request is dropped");
    let meanwhile = answer(deployment.delivery(id, BODY)).await;
    assert_eq!(meanwhile.status, 409, "the run is active: {meanwhile:?}");
    stage.release();
    assert_eq!(stage.ended().await, Ended::Done);
    assert_eq!(stage.runs(), 1);
}

struct SendOnDrop(mpsc::UnboundedSender<()>);

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Begins runs of `msg_0` and its 299 redriven messages concurrently. Returns the run that started, if one did.
async fn begin_300_times(database: &Database) -> (Vec<Uuid>, Vec<Begun>) {
    let payload = Value::Null;
    let begin_once = async |number: usize| {
        let id = Uuid::now_v7();
        let message_id = &format!("msg_{number}");
        let lease = Duration::from_secs(30);
        let run = &NewRun {
            id,
            message_id,
            original_message_id: (number > 0).then_some("msg_0"),
            job_type: "play",
            attempt: 1,
            payload: &payload,
            user_id: None,
            organization_id: None,
            correlation_id: None,
            lease,
        };
        let mut conn = database.connection().await.expect("a connection");
        (id, begin(&mut conn, run).await.expect("a response"))
    };
    let begun = join_all((0..300).map(begin_once)).await;
    let (started, others): (Vec<_>, Vec<_>) = begun.into_iter().partition(|(_, begun)| *begun == Begun::Started);
    (started.into_iter().map(|(id, _)| id).collect(), others.into_iter().map(|(_, begun)| begun).collect())
}

#[tokio::test]
async fn one_of_300_concurrent_redriven_messages_starts() {
    let test = TestDatabase::new().await;
    let database = Database::new(&test.url, 10).expect("a URL");
    let is_elsewhere = |begun: &Begun| matches!(begun, Begun::RunningElsewhere { .. });

    let (started, others) = begin_300_times(&database).await;
    assert_eq!((started.len(), others.len()), (1, 299));
    assert!(others.iter().all(is_elsewhere), "{others:?}");

    // Again after its lease expired: one replaces it.
    test.execute("update job_executions set lease_until = now() - interval '1 second'").await;
    let (successor, others) = begin_300_times(&database).await;
    assert_eq!((successor.len(), others.len()), (1, 299));
    assert!(others.iter().all(is_elsewhere), "{others:?}");
    let count = |status: &str| format!("select count(*) from job_executions where status = '{status}'");
    assert_eq!((test.count(&count("failed")).await, test.count(&count("processing")).await), (1, 1));

    // Again while it completes: none starts.
    let complete = async {
        let mut conn = database.connection().await.expect("a connection");
        finish(&mut conn, successor[0], Finish::Completed(None)).await.expect("a response")
    };
    let ((started, others), completed) = tokio::join!(begin_300_times(&database), complete);
    assert!(completed && started.is_empty());
    assert!(
        others.iter().all(|begun| is_elsewhere(begun) || matches!(begun, Begun::AlreadyCompleted(_))),
        "{others:?}"
    );
    assert!(begin_300_times(&database).await.1.iter().all(|begun| matches!(begun, Begun::AlreadyCompleted(_))));
    assert_eq!(test.count("select count(*) from job_executions").await, 2);
}
