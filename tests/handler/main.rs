//! A job handler as a separate process, which exits at the step that `CRASH_AT` names. It prints its URL when it is
//! ready.

use axum::middleware::from_fn;
use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sigpost_jobs::{EnqueueOptions, Handler, Handlers, Harness, Invalid, Job, JobContext, JobError, Outcome};
use sigpost_runtime::serve;

/// Sends an e-mail, inserts a receipt, and enqueues a follow-up job.
#[derive(Serialize, Deserialize)]
struct Notify {
    to: String,
}

impl Job for Notify {
    const TYPE: &'static str = "notify";
    const ENDPOINT: &'static str = "/api/jobs/notify";

    fn validate(&self) -> Result<(), Invalid> {
        reach("before begin");
        Ok(())
    }
}

struct Notifier {
    resend_url: String,
}

impl Handler for Notifier {
    type Job = Notify;

    async fn run(&self, job: Notify, ctx: &JobContext) -> Result<Outcome, JobError> {
        reach("after begin");
        tracing::info!("the handler speaks");
        let email_id: String = ctx
            .once("email", async |key| {
                let email_id = self.send(&job, key).await?;
                reach("after the effect");
                Ok(email_id)
            })
            .await?;
        ctx.enqueue(&Notify { to: "someone else".into() }, EnqueueOptions::default())?;
        reach("before finish");
        let outcome = ctx.commit(async |conn| {
            let receipt = sql_query("insert into receipts values ($1, $2)");
            receipt.bind::<Text, _>(&ctx.message_id).bind::<Text, _>(&email_id).execute(conn).await?;
            reach("in the finishing transaction");
            Ok(Outcome::with(&email_id))
        });
        let outcome = outcome.await?;
        reach("after finish");
        Ok(outcome)
    }
}

impl Notifier {
    async fn send(&self, job: &Notify, key: String) -> anyhow::Result<String> {
        let request = reqwest::Client::new().post(format!("{}/emails", self.resend_url)).header("Idempotency-Key", key);
        let answer: Value = request.json(&job).send().await?.error_for_status()?.json().await?;
        Ok(answer["id"].as_str().unwrap_or_default().to_owned())
    }
}

/// Aborts the process if `CRASH_AT` names this step.
fn reach(step: &str) {
    if std::env::var("CRASH_AT").is_ok_and(|at| at == step) {
        std::process::abort();
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    sigpost_runtime::start().await?;
    let listener = serve::bind(([127, 0, 0, 1], 0).into()).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let harness = Harness { handlers: Handlers::at(&url)?, ..Harness::from_env()? };
    let notifier = Notifier { resend_url: std::env::var("RESEND_BASE_URL")? };
    let router =
        sigpost_jobs::router(notifier, harness).layer(from_fn(async |request, next: axum::middleware::Next| {
            let answer = next.run(request).await;
            reach("before the answer");
            answer
        }));
    println!("{url}");
    serve::serve_on(listener, router, serve::terminated()).await
}
