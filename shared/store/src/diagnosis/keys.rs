//! Keys and tokens in the database.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// The age of the signing keys.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Age {
    /// Time since the last rotation or the creation; `None` without keys.
    pub rotated_s: Option<f64>,
}

/// Reads the age of the signing keys.
pub async fn age(conn: &mut AsyncPgConnection) -> Result<Age, Error> {
    row(conn, "select (select extract(epoch from now() - rotated_at) from signing_keys) as rotated_s").await
}

/// A valid token.
#[derive(Clone, Debug, Deserialize)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// `full`, `publish` or `read`.
    pub scope: String,
    /// Whether it has a rate limit of its own.
    pub limited: bool,
    /// Age in seconds.
    pub age_s: f64,
}

/// Returns the valid tokens by name.
pub async fn tokens(conn: &mut AsyncPgConnection) -> Result<Vec<Token>, Error> {
    let query = "select name, scope, rate_limit is not null as limited, extract(epoch from now() - created_at) as age_s
                 from api_tokens where revoked_at is null order by name";
    rows(conn, query).await
}
