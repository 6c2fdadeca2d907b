//! Facts about a live deployment, for whoever judges whether it is in order (`sigpost doctor`).
//!
//! One file per subject. Everything here reads; what it costs is bounded, so it may be asked at any
//! time. Ages and lengths are in seconds by the database's clock.

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

/// The rows of a query, each read by the names of its columns.
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

/// The one row of a query.
async fn row<T: DeserializeOwned>(conn: &mut AsyncPgConnection, query: &str) -> Result<T, Error> {
    rows(conn, query).await?.pop().ok_or_else(|| DieselError::NotFound.into())
}
