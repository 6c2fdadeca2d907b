//! Facts about a live deployment, for `sigpost doctor`.
//!
//! One file per subject. All queries are read-only and of bounded cost, so they may run at any time. Ages and
//! durations are in seconds by the database's clock.

pub mod backups;
pub mod keys;
pub mod log;
pub mod notifying;
pub mod runs;
pub mod schedules;
pub mod schema;
pub mod server;
pub mod traffic;

use diesel::QueryableByName;
use diesel::result::Error as DieselError;
use diesel::sql_types::Jsonb;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::de::DeserializeOwned;

use crate::Error;

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Jsonb)]
    facts: serde_json::Value,
}

/// Returns the rows of a query, each deserialized by column names.
async fn rows<T: DeserializeOwned>(conn: &mut AsyncPgConnection, query: &str) -> Result<Vec<T>, Error> {
    let documents: Vec<Document> =
        diesel::sql_query(format!("select to_jsonb(row) as facts from ({query}) row")).load(conn).await?;
    let read = |document: Document| serde_json::from_value(document.facts);
    documents
        .into_iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|why| DieselError::DeserializationError(Box::new(why)).into())
}

/// Returns the only row of a query.
async fn row<T: DeserializeOwned>(conn: &mut AsyncPgConnection, query: &str) -> Result<T, Error> {
    rows(conn, query).await?.pop().ok_or_else(|| DieselError::NotFound.into())
}
