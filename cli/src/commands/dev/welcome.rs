//! The first job of a new `sigpost dev`: publishes it through the API and prints its progress.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use dispatch::dispatcher::StepKind;
use serde_json::json;
use sigpost_client::{Client, Credentials, NewMessage};
use sigpost_jobs::Job;
use sigpost_qstash::{DEV_TOKEN, MessageId};
use sigpost_store::runs;

const ENDPOINT: &str = sigpost_jobs::payloads::SendEmail::ENDPOINT;
/// How long to watch the job before the server continues.
const PATIENCE: Duration = Duration::from_secs(10);

/// Publishes a welcome e-mail to the handler in this process and prints each step.
pub(super) async fn publish_and_watch(app: &dispatch::App, base_url: &str) -> Result<()> {
    let dispatcher = app.dispatcher().context("dev delivers")?;
    let mut steps = dispatcher.watch();
    println!("\nThe first job, a welcome e-mail through {}:", ENDPOINT);

    let started = Instant::now();
    let id = publish(base_url).await?;

    let watch = async {
        while let Ok(step) = steps.recv().await {
            if step.id != id {
                continue;
            }
            let at_ms = step.at.into_std().duration_since(started).as_secs_f64() * 1000.0;
            match step.kind {
                StepKind::Accepted => println!("  {at_ms:>7.1} ms  accepted   {id}, committed to Postgres"),
                StepKind::Pushed => println!("  {at_ms:>7.1} ms  attempt    signed POST to {base_url}{ENDPOINT}"),
                StepKind::Delivered => {
                    print_runs(app, id).await?;
                    println!("  {at_ms:>7.1} ms  recorded   delivered");
                    return Ok(());
                }
                other => {
                    println!("  {at_ms:>7.1} ms  {other:?}: see {base_url}/v2/events?messageId={id}");
                    return Ok(());
                }
            }
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(PATIENCE, watch).await {
        Ok(watched) => watched,
        Err(_) => {
            println!("  not delivered within {} s: see {base_url}/v2/events?messageId={id}", PATIENCE.as_secs());
            Ok(())
        }
    }
}

async fn publish(base_url: &str) -> Result<MessageId> {
    let body = json!({
        "template": "welcome",
        "to": "you@example.com",
        "data": { "recipientName": "you", "dashboardUrl": format!("{base_url}/api/admin/job-health") },
    });
    let message = NewMessage { body: body.to_string().into(), ..NewMessage::json() };
    let api = Client::new(base_url, Credentials::Token(DEV_TOKEN.to_owned()))?;
    let published = api.publish_message(&format!("{base_url}{ENDPOINT}"), &message).await?;
    Ok(published.messages().first().context("a publish to a URL returns a message")?.message_id)
}

/// Prints the runs that the handler recorded for this message.
async fn print_runs(app: &dispatch::App, id: MessageId) -> Result<()> {
    let runs = runs::find_by_message(&mut *app.database().connection().await?, &id.to_string()).await?;
    for run in runs {
        let took = run.completed_at.map(|end| end.duration_since(run.started_at).as_secs_f64() * 1000.0);
        let took = took.map_or_else(String::new, |ms| format!(" in {ms:.1} ms"));
        println!("              run        {} attempt {}: {}{took}", run.job_type, run.attempt, run.status);
    }
    Ok(())
}
