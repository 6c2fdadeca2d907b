//! The signing keys, without the keys.

use std::marker::PhantomData;

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use crate::Error;

/// The fingerprints and the age of both keys.
#[derive(Clone, Debug, PartialEq, diesel::Queryable, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyState {
    /// The first 12 hex digits of the SHA-256 of the current key.
    pub current_fingerprint: String,
    /// The fingerprint of the next key.
    pub next_fingerprint: String,
    /// When they were created or rotated.
    #[serde(rename = "rotatedAt")]
    pub rotated_at_ms: i64,
    /// Time since then, in seconds.
    #[serde(rename = "ageSeconds")]
    pub age_s: f64,
}

statement! {
    State {} -> (Text, Text, BigInt, Double);
    "select left(encode(sha256(convert_to(current, 'UTF8')), 'hex'), 12),
            left(encode(sha256(convert_to(next, 'UTF8')), 'hex'), 12),
            floor(extract(epoch from rotated_at) * 1000)::bigint, extract(epoch from now() - rotated_at)::float8
     from signing_keys"
}

/// Returns the state of the keys; `None` before the first dispatcher has created them.
pub async fn key_state(conn: &mut AsyncPgConnection) -> Result<Option<KeyState>, Error> {
    Ok(State { lifetime: PhantomData }.get_result(conn).await.optional()?)
}
