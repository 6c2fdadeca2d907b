//! `GET /api/admin/stats`: open messages now, and messages that ended within a window.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::metrics::{MessageCounts, catch_up, message_series};
use sigpost_store::operation::{Open, OpenOf, open_by_destination, open_by_queue, open_messages};

use crate::answer::answer;
use crate::window::{DAY, WindowQuery};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(flatten)]
    open: Open,
    window_seconds: u64,
    /// Within the window, as are the next four.
    accepted: i64,
    delivered: i64,
    errors: i64,
    failed: i64,
    canceled: i64,
    by_destination: Vec<OpenOf>,
    by_queue: Vec<OpenOf>,
}

/// Returns the numbers of a window (default: a day) and exact counts of open messages.
pub(crate) async fn get_stats(State(database): State<Database>, query: WindowQuery) -> Result<Response, ApiError> {
    let window = query.window(DAY)?;
    answer(&database, async |conn| {
        catch_up(conn).await?;
        let MessageCounts { accepted, delivered, errors, failed, canceled } =
            MessageCounts::sum(&message_series(conn, window).await?);
        Ok(Stats {
            open: open_messages(conn).await?,
            window_seconds: window.length().as_secs(),
            accepted,
            delivered,
            errors,
            failed,
            canceled,
            by_destination: open_by_destination(conn).await?,
            by_queue: open_by_queue(conn).await?,
        })
    })
    .await
}
