//! The deployment's signing keys: one row.

use diesel::dsl::now;
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::SigningKeys;

use crate::schema::signing_keys::{self, current, next, rotated_at};
use crate::{Error, wake};

/// Returns the keys, if they exist.
pub async fn find(conn: &mut AsyncPgConnection) -> Result<Option<SigningKeys>, Error> {
    let row: Option<(String, String)> = signing_keys::table.select((current, next)).first(conn).await.optional()?;
    Ok(row.map(|(current_key, next_key)| SigningKeys { current: current_key, next: next_key }))
}

/// Returns the keys; if they do not exist, inserts these first.
pub async fn find_or_insert(conn: &mut AsyncPgConnection, first: &SigningKeys) -> Result<SigningKeys, Error> {
    diesel::insert_into(signing_keys::table)
        .values((current.eq(&first.current), next.eq(&first.next)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(find(conn).await?.unwrap_or_else(|| first.clone()))
}

/// Rotates the keys: the next key becomes current, and a new one is next. Notifies every dispatcher.
pub async fn rotate(conn: &mut AsyncPgConnection) -> Result<SigningKeys, Error> {
    conn.transaction(async |conn| {
        let (current_key, next_key): (String, String) =
            signing_keys::table.select((current, next)).for_update().first(conn).await?;
        let rotated = SigningKeys { current: current_key, next: next_key }.rotate();
        diesel::update(signing_keys::table)
            .set((current.eq(&rotated.current), next.eq(&rotated.next), rotated_at.eq(now)))
            .execute(conn)
            .await?;
        wake::notify_of_keys(conn).await?;
        Ok(rotated)
    })
    .await
}
