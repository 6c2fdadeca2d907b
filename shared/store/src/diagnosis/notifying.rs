//! Tests notifications as a dispatcher uses them.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::{Database, Error};

/// Listens in one session, notifies in another, and returns how long the notification took; `None` if it does not
/// arrive within `patience`. The channel is a new one, so that no process wakes up.
pub async fn round_trip(database: &Database, patience: Duration) -> Result<Option<Duration>, Error> {
    let mut listener = database.dedicated_connection().await?;
    let channel = format!("sigpost_doctor_{}", Uuid::now_v7().simple());
    diesel::sql_query(format!("listen {channel}")).execute(&mut listener).await?;
    let begun_at = Instant::now();
    diesel::sql_query(format!("notify {channel}")).execute(&mut database.connection().await?).await?;
    let notified = std::pin::pin!(listener.notifications_stream());
    let mut notified = notified;
    Ok(match timeout(patience, notified.next()).await {
        Ok(Some(Ok(_))) => Some(begun_at.elapsed()),
        _ => None,
    })
}
