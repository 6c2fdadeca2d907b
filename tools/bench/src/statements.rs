//! Statements and transactions, counted by Postgres.

use anyhow::{Context, Result};
use serde::Serialize;
use tokio_postgres::Client;

use crate::postgres::Postgres;

/// Background work of Postgres in the database would count as transactions.
const NO_AUTOVACUUM: (&str, &str) = ("autovacuum", "off");
const PRELOAD: (&str, &str) = ("shared_preload_libraries", "pg_stat_statements");

/// Statements in the database that is measured; the bench is connected to another one.
const COUNTED: &str = "select s.query, s.calls from pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = $1 order by s.calls desc, s.query";
const TRANSACTIONS: &str = "select xact_commit + xact_rollback from pg_stat_database where datname = $1";

/// A statement and its count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Statement {
    /// With its values left out, on one line.
    pub(crate) text: String,
    /// Number of executions.
    pub(crate) calls: u64,
}

/// Starts a Postgres that counts statements. Returns whether it can: some installations lack the module.
pub(crate) async fn counting_postgres() -> Result<(Postgres, bool)> {
    match Postgres::start(&[NO_AUTOVACUUM, PRELOAD]).await {
        Ok(postgres) => {
            let created = postgres.admin().batch_execute("create extension pg_stat_statements").await;
            Ok((postgres, created.is_ok()))
        }
        Err(_) => Ok((Postgres::start(&[NO_AUTOVACUUM]).await?, false)),
    }
}

/// Resets the counts.
pub(crate) async fn forget(postgres: &Postgres) -> Result<()> {
    postgres.admin().batch_execute("select pg_stat_statements_reset()").await.context("pg_stat_statements_reset")
}

/// The statements in a database since [`forget`].
pub(crate) async fn counted(postgres: &Postgres, url: &str) -> Result<Vec<Statement>> {
    let rows = postgres.admin().query(COUNTED, &[&name_in(url)]).await.context("pg_stat_statements")?;
    let statement = |row: &tokio_postgres::Row| Statement {
        text: row.get::<_, String>(0).split_whitespace().collect::<Vec<_>>().join(" "),
        calls: u64::try_from(row.get::<_, i64>(1)).unwrap_or_default(),
    };
    Ok(rows.iter().map(statement).collect())
}

/// Transactions of a database; those of the last seconds may be missing.
pub(crate) async fn transactions(postgres: &Postgres, url: &str) -> Result<u64> {
    let client: &Client = postgres.admin();
    let row = client.query_one(TRANSACTIONS, &[&name_in(url)]).await.context("pg_stat_database")?;
    Ok(u64::try_from(row.get::<_, i64>(0))?)
}

fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
