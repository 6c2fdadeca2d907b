//! `ctx.lock`: one run at a time across all messages, with a fencing token.

use std::time::Duration;

use serde_json::json;
use sigpost_jobs::{JobContext, Outcome};
use sigpost_qstash::MessageId;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{advance, pause, resume};

use super::deployment::{Deployment, answer, answer_later};
use super::improvised::running;

const BODY: &str = r#"{"scenes":[1]}"#;

struct Stage {
    deployment: Deployment,
    /// The fencing tokens of the lock holders, in order.
    holders: mpsc::UnboundedReceiver<i64>,
    asking: mpsc::UnboundedReceiver<()>,
    go: &'static Semaphore,
}

/// Runs that acquire the lock and hold it until the test releases them.
async fn stage() -> Stage {
    let (holder, holders) = mpsc::unbounded_channel();
    let (asks, asking) = mpsc::unbounded_channel();
    let go: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let deployment = running(move |_, ctx: JobContext| {
        let (holder, asks) = (holder.clone(), asks.clone());
        async move {
            let _ = asks.send(());
            let lock = ctx.lock("ledger").await?;
            let _ = holder.send(lock.fence);
            go.acquire().await.expect("open").forget();
            Ok(Outcome::with(lock.fence))
        }
    })
    .await;
    Stage { deployment, holders, asking, go }
}

#[tokio::test]
async fn lock_serializes_runs_with_increasing_fencing_tokens() {
    let Stage { deployment, mut holders, mut asking, go } = stage().await;
    let first = answer_later(deployment.delivery(MessageId::new(), BODY));
    assert_eq!(holders.recv().await, Some(1));
    asking.recv().await.expect("asked");
    let second = answer_later(deployment.delivery(MessageId::new(), BODY));
    asking.recv().await.expect("asked");
    assert!(holders.try_recv().is_err(), "the first one holds it");

    go.add_permits(2);
    assert_eq!(first.await.expect("joined").body["result"], json!(1));
    assert_eq!(second.await.expect("joined").body["result"], json!(2));
    assert_eq!(deployment.app.database.count("select count(*) from locks where holder is not null").await, 0);
}

#[tokio::test]
async fn lock_timeout_is_retried_and_an_expired_lock_is_acquired() {
    let Stage { deployment, mut holders, mut asking, go } = stage().await;
    let database = &deployment.app.database;
    database.execute("insert into locks values ('ledger', 7, gen_random_uuid(), now() + interval '1 hour')").await;
    let id = MessageId::new();
    let waiting = answer_later(deployment.delivery(id, BODY));
    asking.recv().await.expect("asked");
    pause();
    advance(Duration::from_secs(11)).await;
    resume();
    let waiting = waiting.await.expect("joined");
    assert_eq!(waiting.rejection(), (503, r#"the lock "ledger" is held by another run"#));
    assert_eq!(waiting.retry_after(), 2);

    database.execute("update locks set lease_until = now() - interval '1 second'").await;
    go.add_permits(1);
    let answered = answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await;
    assert_eq!((answered.status.as_u16(), holders.recv().await), (200, Some(8)));
}

#[tokio::test]
async fn heartbeat_extends_the_lease_of_a_lock() {
    let Stage { deployment, mut holders, go, .. } = stage().await;
    let database = &deployment.app.database;
    let running = answer_later(deployment.delivery(MessageId::new(), BODY));
    holders.recv().await.expect("held");
    database.execute("update locks set lease_until = now() + interval '1 second'").await;
    pause();
    advance(Duration::from_secs(10)).await;
    resume();
    // Polls, because the heartbeat is concurrent.
    let prolonged =
        "select count(*) from locks l join job_executions r on r.id = l.holder and r.lease_until = l.lease_until
                     where l.lease_until > now() + interval '10 seconds'";
    while database.count(prolonged).await == 0 {
        tokio::task::yield_now().await;
    }
    go.add_permits(1);
    assert_eq!(running.await.expect("joined").status, 200);
}
