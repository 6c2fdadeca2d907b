//! Runs a schedule on request. This is not a firing, and the schedule does not change.

use std::iter;

use sigpost_runtime::ApiError;
use sigpost_store::firings::{Taken, take};
use sigpost_store::{AsyncConnection, AsyncPgConnection, Error};

use super::Composer;
use super::compose::Groups;
use super::store::{Stored, store_all};

/// Publishes the messages that a firing now would publish, also for a paused schedule and without deduplication. `None` if
/// the schedule does not exist; the inner error is why publishing failed.
///
/// # Errors
///
/// The database is unavailable, or another transaction conflicts. Nothing is stored; call again.
pub(crate) async fn run_once(
    conn: &mut AsyncPgConnection,
    composer: &Composer,
    id: &str,
) -> Result<Option<Result<Stored, ApiError>>, Error> {
    conn.transaction(async |conn| {
        let Some(Taken { schedule, now, .. }) = take(conn, id).await? else { return Ok(None) };
        let groups = Groups::of(conn, iter::once(&schedule)).await?;
        let mut messages = match composer.messages(&schedule, &groups, now) {
            Ok(messages) => messages,
            Err(rejected) => return Ok(Some(Err(rejected))),
        };
        messages.iter_mut().for_each(|new| new.deduplicate = None);
        let (outcome, stored) = store_all(conn, messages).await?;
        outcome?;
        Ok(Some(Ok(stored)))
    })
    .await
}
