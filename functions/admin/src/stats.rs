//! `GET /api/admin/stats`: open messages now, and messages that ended within a window.

use axum::extract::State;
use axum::response::Response;
use sigpost_qstash::admin::Stats;
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::metrics::{MessageCounts, catch_up, message_series};
use sigpost_store::operation::{open_by_destination, open_by_queue, open_messages};

use crate::answer::answer;
use crate::job_metrics::on_the_wire;
use crate::window::{DAY, WindowQuery};

/// Returns the numbers of a window (default: a day) and exact counts of open messages.
pub(crate) async fn get_stats(State(database): State<Database>, query: WindowQuery) -> Result<Response, ApiError> {
    let window = query.window(DAY)?;
    answer(&database, async |conn| {
        catch_up(conn).await?;
        let messages = on_the_wire(MessageCounts::sum(&message_series(conn, window).await?));
        Ok(Stats {
            open: open_messages(conn).await?,
            window_seconds: window.length().as_secs(),
            messages,
            by_destination: open_by_destination(conn).await?,
            by_queue: open_by_queue(conn).await?,
        })
    })
    .await
}
