//! The signing keys, without the keys.

use std::marker::PhantomData;

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::admin::KeyState;

use crate::Error;

statement! {
    State {} -> (Text, Text, BigInt, Double);
    "select left(encode(sha256(convert_to(current, 'UTF8')), 'hex'), 12),
            left(encode(sha256(convert_to(next, 'UTF8')), 'hex'), 12),
            floor(extract(epoch from rotated_at) * 1000)::bigint, extract(epoch from now() - rotated_at)::float8
     from signing_keys"
}

/// Returns the state of the keys; `None` before the first dispatcher has created them.
pub async fn key_state(conn: &mut AsyncPgConnection) -> Result<Option<KeyState>, Error> {
    let row: Option<(String, String, i64, f64)> = State { lifetime: PhantomData }.get_result(conn).await.optional()?;
    Ok(row.map(|(current_fingerprint, next_fingerprint, rotated_at_ms, age_s)| KeyState {
        current_fingerprint,
        next_fingerprint,
        rotated_at_ms,
        age_s,
    }))
}
