//! Keys and tokens in the database.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// How old the signing keys are.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Age {
    /// Since the last rotation, or since there are keys; `None` without any.
    pub rotated_s: Option<f64>,
}

/// Asks how old the signing keys are.
pub async fn age(conn: &mut AsyncPgConnection) -> Result<Age, Error> {
    row(conn, "select (select extract(epoch from now() - rotated_at) from signing_keys) as rotated_s").await
}

/// A token in use.
#[derive(Clone, Debug, Deserialize)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// `full`, `publish` or `read`.
    pub scope: String,
    /// Whether it has a limit of requests of its own.
    pub limited: bool,
    /// Since when it exists.
    pub age_s: f64,
}

/// The tokens that are in use, by their names.
pub async fn tokens(conn: &mut AsyncPgConnection) -> Result<Vec<Token>, Error> {
    let query = "select name, scope, rate_limit is not null as limited, extract(epoch from now() - created_at) as age_s
                 from api_tokens where revoked_at is null order by name";
    rows(conn, query).await
}
