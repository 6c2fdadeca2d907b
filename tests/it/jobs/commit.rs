//! The finishing transaction: rows, follow-up jobs and the end of the run commit together or not at all.

use diesel::{QueryResult, sql_query};
use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_jobs::{EnqueueOptions, JobContext, JobError, Outcome};
use sigpost_qstash::MessageId;
use sigpost_store::AsyncPgConnection;

use super::actor::Play;
use super::deployment::{Deployment, answer};
use super::improvised::running;

const BODY: &str = r#"{"scenes":[1]}"#;
const TABLE: &str = "create table receipts (message_id text)";
/// As if the process paused for longer than its lease, and another run started.
const LOSE_THE_LEASE: &str = "update job_executions set status = 'failed', completed_at = now(), lease_until = null where lease_until is not null";

fn follow_up() -> Play {
    Play { scenes: vec![2, 3] }
}

/// Inserts a receipt, and runs `more` afterwards in the same transaction.
async fn receipt(ctx: &JobContext, more: &'static str) -> Result<Outcome, JobError> {
    ctx.commit(async |conn| {
        execute(conn, &format!("insert into receipts values ('{}')", ctx.message_id)).await?;
        if !more.is_empty() {
            execute(conn, more).await?;
        }
        Ok(Outcome::with("written"))
    })
    .await
}

async fn execute(conn: &mut AsyncPgConnection, sql: &str) -> QueryResult<usize> {
    diesel_async::RunQueryDsl::execute(sql_query(sql), conn).await
}

async fn receipts(deployment: &Deployment) -> i64 {
    deployment.app.database.count("select count(*) from receipts").await
}

#[tokio::test]
async fn rows_and_follow_up_jobs_commit_with_the_run() {
    let deployment = running(|job: Play, ctx: JobContext| async move {
        if job.scenes.len() > 1 {
            return Ok(Outcome::with("followed"));
        }
        ctx.enqueue(&follow_up(), EnqueueOptions::default())?;
        match ctx.attempt {
            1 => Err(JobError::retryable("after the follow-up was asked for")),
            2 => ctx.commit(async |_| Err(JobError::retryable("in the transaction"))).await,
            3 => receipt(&ctx, LOSE_THE_LEASE).await,
            _ => receipt(&ctx, "").await,
        }
    })
    .await;
    deployment.app.database.execute(TABLE).await;
    let messages = async || deployment.app.database.count("select count(*) from messages").await;
    let id = MessageId::new();
    let deliver = async |retried: &str| {
        let body = json!({ "type": "play", "payload": { "scenes": [1] }, "metadata": { "userId": "user_7" } });
        answer(deployment.delivery(id, &body.to_string()).header("Upstash-Retried", retried)).await
    };
    for (retried, status) in [("0", 500), ("1", 500), ("2", 500)] {
        let answered = deliver(retried).await;
        assert_eq!(answered.status, status, "{answered:?}");
        assert_eq!((receipts(&deployment).await, messages().await), (0, 0), "{answered:?}");
    }

    assert_eq!(deliver("3").await.body, json!({ "success": true, "result": "written" }));
    let next = MessageId::of_follow_up(id, 0);
    deployment.app.wait_for(next, StepKind::Delivered).await;
    assert_eq!((receipts(&deployment).await, messages().await), (1, 1));
    let run = &deployment.runs(next).await[0];
    assert_eq!((&run["result"], &run["user_id"]), (&json!("followed"), &json!("user_7")));

    // Delivered again, as after a lost response.
    assert_eq!(deliver("4").await.body, json!({ "success": true, "duplicate": true, "result": "written" }));
    assert_eq!((receipts(&deployment).await, messages().await), (1, 1));
}

#[tokio::test]
async fn follow_up_jobs_without_rows_are_discarded_with_the_lease() {
    let deployment = running(|job: Play, ctx: JobContext| async move {
        if job.scenes.len() == 1 {
            for _ in 0..2 {
                ctx.enqueue(&follow_up(), EnqueueOptions::default())?;
            }
            if ctx.attempt == 1 {
                let mut conn = ctx.database.connection().await?;
                execute(&mut conn, LOSE_THE_LEASE).await?;
            }
        }
        Ok(Outcome::done())
    })
    .await;
    let id = MessageId::new();
    assert_eq!(answer(deployment.delivery(id, BODY)).await.status, 409);
    assert_eq!(deployment.app.database.count("select count(*) from messages").await, 0);
    assert_eq!(answer(deployment.delivery(id, BODY).header("Upstash-Retried", "1")).await.status, 200);
    for number in [0, 1] {
        deployment.app.wait_for(MessageId::of_follow_up(id, number), StepKind::Delivered).await;
    }
}

#[tokio::test]
async fn first_outcome_of_a_run_is_final() {
    let deployment = running(|_, ctx: JobContext| async move {
        receipt(&ctx, "").await?;
        assert!(ctx.enqueue(&follow_up(), EnqueueOptions::default()).is_err());
        assert!(receipt(&ctx, "").await.is_err());
        Err(JobError::permanent("after its end"))
    })
    .await;
    deployment.app.database.execute(TABLE).await;
    let id = MessageId::new();
    let answered = answer(deployment.delivery(id, BODY)).await;
    assert_eq!(answered.body, json!({ "success": true, "result": "written" }));
    assert_eq!((receipts(&deployment).await, deployment.story(id).await), (1, vec!["1 completed".to_owned()]));
    assert_eq!(deployment.app.database.count("select count(*) from messages").await, 0);
}
