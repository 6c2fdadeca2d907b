//! A point inside a run where the test can block it.

use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use super::provider::Provider;
use crate::support::{PATIENCE, TestDatabase};

/// What the run is blocked by.
#[derive(Clone, Copy)]
pub(super) enum Middle<'a> {
    /// A locked table.
    Table(&'static str),
    /// The provider's response to its request of this number, from 1.
    Answer(&'a Provider, usize),
}

/// The open lock or held response.
pub(super) enum Held<'a> {
    Table(tokio_postgres::Client),
    Answer(&'a Provider),
}

impl<'a> Middle<'a> {
    /// Blocks the next run at this point.
    pub(super) async fn hold(self, database: &TestDatabase) -> Held<'a> {
        match self {
            Self::Table(name) => {
                let (client, connection) = tokio_postgres::connect(&database.url, NoTls).await.expect("a connection");
                tokio::spawn(connection);
                let lock = format!("begin; lock table {name} in access exclusive mode");
                client.batch_execute(&lock).await.expect("locked");
                Held::Table(client)
            }
            Self::Answer(provider, number) => {
                provider.hold(number);
                Held::Answer(provider)
            }
        }
    }

    /// Waits until the run is blocked.
    pub(super) async fn reached(self, database: &TestDatabase) {
        match self {
            Self::Table(name) => {
                // In another test's database the table has the same number. The dispatcher's sample of the queue
                // depth waits for the lock as well.
                let waits = format!(
                    "select exists (select from pg_locks l join pg_stat_activity a using (pid)
                     where datname = current_database() and relation = '{name}'::regclass and not granted
                       and query not like '%sample_queue()%')"
                );
                until(database, &waits).await;
            }
            Self::Answer(provider, number) => provider.asked(number).await,
        }
    }
}

impl Held<'_> {
    /// Unblocks the run, and waits until the database is idle.
    pub(super) async fn release(self, database: &TestDatabase) {
        match self {
            Self::Table(client) => client.batch_execute("commit").await.expect("unlocked"),
            Self::Answer(provider) => provider.release(),
        }
        let quiet = "select not exists (select from pg_stat_activity
                     where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle')";
        until(database, quiet).await;
    }
}

/// Polls until the query returns true. Postgres sends no signal when a statement waits for a lock.
pub(super) async fn until(database: &TestDatabase, sql: &str) {
    let give_up_at = Instant::now() + PATIENCE;
    while !database.query(sql, &[]).await[0].get::<_, bool>(0) {
        assert!(Instant::now() < give_up_at, "{sql}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
