//! Faults of statements: cancellation, lock waits, and errors in German.

use anyhow::Result;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio_postgres::Client;

use super::last;
use crate::deployment::Deployment;
use crate::history::Effect;
use crate::postgres::DATABASE;

const GERMAN: &str = "de_DE.UTF-8";
const TABLES: [&str; 7] =
    ["messages", "pending_deliveries", "attempts", "gates", "slots", "deduplications", "schedules"];

/// Terminates every connection of the processes.
async fn terminate_all(client: &Client) -> Result<()> {
    let terminate = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name <> 'chaos' and backend_type = 'client backend'";
    Ok(client.batch_execute(terminate).await?)
}

pub(super) async fn terminate(deployment: &mut Deployment, _: &mut StdRng) -> Result<()> {
    let client = deployment.postgres.client().await?;
    let begun = deployment.journal.begin("terminate", None, Effect::Impaired);
    terminate_all(&client).await?;
    deployment.journal.end(begun);
    Ok(())
}

/// Sets a statement timeout of 300 ms for new connections, half of the time with a lock that delays statements.
pub(super) async fn statement_timeout(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let client = deployment.postgres.client().await?;
    let begun = deployment.journal.begin("statement-timeout", None, Effect::Impaired);
    client.batch_execute(&format!("alter database {DATABASE} set statement_timeout = '300ms'")).await?;
    terminate_all(&client).await?;
    last(random, 1.0..2.0).await;
    if random.random_bool(0.5) {
        hold_lock(&client, random, 0.5..1.5).await?;
    }
    client.batch_execute(&format!("alter database {DATABASE} reset statement_timeout")).await?;
    terminate_all(&client).await?;
    deployment.journal.end(begun);
    Ok(())
}

/// Locks a table for up to 3 s in a transaction of another application.
pub(super) async fn lock(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let client = deployment.postgres.client().await?;
    let begun = deployment.journal.begin("lock", None, Effect::Impaired);
    hold_lock(&client, random, 0.5..3.0).await?;
    deployment.journal.end(begun);
    Ok(())
}

async fn hold_lock(client: &Client, random: &mut StdRng, seconds: std::ops::Range<f64>) -> Result<()> {
    let table = TABLES[random.random_range(0..TABLES.len())];
    client.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).await?;
    last(random, seconds).await;
    Ok(client.batch_execute("rollback").await?)
}

/// Returns why Postgres has no German messages, if so.
pub(super) async fn lacks_german(deployment: &Deployment) -> Result<Option<String>> {
    let client = deployment.postgres.client().await?;
    if client.batch_execute(&format!("set lc_messages = '{GERMAN}'")).await.is_err() {
        return Ok(Some(format!("the machine has no locale {GERMAN}")));
    }
    let message = client.batch_execute("select 1 / 0").await.err();
    let message = message.as_ref().and_then(tokio_postgres::Error::as_db_error).map_or("", |error| error.message());
    Ok((!message.contains("Null")).then(|| "Postgres has no German messages".to_owned()))
}

/// Terminates connections, cancels statements and stops Postgres, with error messages in German.
pub(super) async fn german(deployment: &mut Deployment, random: &mut StdRng) -> Result<()> {
    let client = deployment.postgres.client().await?;
    let begun = deployment.journal.begin("german", None, Effect::Impaired);
    let set = format!("alter database {DATABASE} set lc_messages = '{GERMAN}'");
    client.batch_execute(&set).await?;
    client.batch_execute(&format!("alter database {DATABASE} set statement_timeout = '300ms'")).await?;
    terminate_all(&client).await?;
    last(random, 0.5..1.5).await;
    hold_lock(&client, random, 0.5..1.5).await?;
    terminate_all(&client).await?;
    deployment.postgres.end("INT").await?;
    deployment.postgres.start_again().await?;
    let client = deployment.postgres.client().await?;
    client.batch_execute(&format!("alter database {DATABASE} reset all")).await?;
    terminate_all(&client).await?;
    deployment.journal.end(begun);
    Ok(())
}
