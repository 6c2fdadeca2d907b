//! `GET /api/admin/queue-depth?window=24h`: numbers of open messages over time.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use sigpost_runtime::ApiError;
use sigpost_store::Database;
use sigpost_store::metrics::{self, QueuePoint, milli, queue_series};

use crate::answer::answer;
use crate::job_metrics::rfc3339;
use crate::window::{DAY, WindowQuery};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueDepth {
    window_seconds: u64,
    /// Length of a step in seconds.
    step_seconds: u64,
    /// Steps without a sample are omitted.
    over_time: Vec<DepthAt>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DepthAt {
    at: String,
    due: Depth,
    scheduled: Depth,
    active: Depth,
    waiting: Depth,
    /// Maximum within the step, as `dead_letters`.
    oldest_due_seconds: Option<f64>,
    dead_letters: i64,
}

#[derive(Debug, Serialize)]
struct Depth {
    average: f64,
    most: i64,
}

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
            over_time: queue_series(conn, window).await?.into_iter().map(DepthAt::from).collect(),
        })
    })
    .await
}

impl From<QueuePoint> for DepthAt {
    fn from(point: QueuePoint) -> Self {
        Self {
            at: rfc3339(point.at_s),
            due: point.due.into(),
            scheduled: point.scheduled.into(),
            active: point.active.into(),
            waiting: point.waiting.into(),
            oldest_due_seconds: point.oldest_due_s.map(milli),
            dead_letters: point.dead_letters,
        }
    }
}

impl From<metrics::Depth> for Depth {
    fn from(metrics::Depth { average, most }: metrics::Depth) -> Self {
        Self { average: milli(average), most }
    }
}
