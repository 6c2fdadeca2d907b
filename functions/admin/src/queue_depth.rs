//! `GET /api/admin/queue-depth?window=24h`: numbers of open messages over time.

use axum::extract::State;
use axum::response::Response;
use sigpost_qstash::admin::{Depth, DepthAt, QueueDepth};
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::metrics::{self, QueuePoint, milli, queue_series};

use crate::answer::answer;
use crate::job_metrics::rfc3339;
use crate::window::{DAY, WindowQuery};

/// Returns the queue depth over a window. Default: a day.
pub(crate) async fn get_queue_depth(
    State(database): State<Database>,
    query: WindowQuery,
) -> Result<Response, ApiError> {
    let window = query.window(DAY)?;
    answer(&database, async |conn| {
        Ok(QueueDepth {
            window_seconds: window.length().as_secs(),
            step_seconds: window.step().as_secs(),
            over_time: queue_series(conn, window).await?.into_iter().map(depth_at).collect(),
        })
    })
    .await
}

fn depth_at(point: QueuePoint) -> DepthAt {
    DepthAt {
        at: rfc3339(point.at_s),
        due: depth(point.due),
        scheduled: depth(point.scheduled),
        active: depth(point.active),
        waiting: depth(point.waiting),
        oldest_due_seconds: point.oldest_due_s.map(milli),
        dead_letters: point.dead_letters,
    }
}

fn depth(metrics::Depth { average, most }: metrics::Depth) -> Depth {
    Depth { average: milli(average), most }
}
