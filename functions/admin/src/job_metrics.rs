//! `GET /api/admin/job-metrics?window=24h`: numbers of ended runs and messages over time, and durations of runs.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use sigpost_qstash::admin::{JobMetrics, Messages, MessagesAt, RunDurations, Runs, RunsAt, TypeRuns};
use sigpost_runtime::ApiError;
use sigpost_store::metrics::{
    Durations, MessageCounts, MessagePoint, RunPoint, TypeMetrics, Window, catch_up, message_series, milli, run_series,
    runs_by_type,
};
use sigpost_store::{AsyncPgConnection, Database, Error};

use crate::answer::answer;
use crate::window::{DAY, WindowQuery};

/// Returns the metrics of a window. Default: a day.
pub(crate) async fn get_job_metrics(
    State(database): State<Database>,
    query: WindowQuery,
) -> Result<Response, ApiError> {
    let window = query.window(DAY)?;
    answer(&database, async |conn| measure(conn, window).await).await
}

async fn measure(conn: &mut AsyncPgConnection, window: Window) -> Result<JobMetrics, Error> {
    catch_up(conn).await?;
    let types = runs_by_type(conn, window).await?;
    let messages = message_series(conn, window).await?;
    let all = types.iter().fold(TypeMetrics::default(), |mut all, one| {
        all.processing += one.processing;
        all.completed += one.completed;
        all.failed += one.failed;
        all.durations.merge(&one.durations);
        all
    });
    Ok(JobMetrics {
        window_seconds: window.length().as_secs(),
        step_seconds: window.step().as_secs(),
        messages: on_the_wire(MessageCounts::sum(&messages)),
        all: runs(&all),
        by_type: types.iter().map(|one| TypeRuns { job_type: one.job_type.clone(), runs: runs(one) }).collect(),
        runs_over_time: run_series(conn, window).await?.into_iter().map(runs_at).collect(),
        messages_over_time: messages.into_iter().map(messages_at).collect(),
    })
}

fn runs(metrics: &TypeMetrics) -> Runs {
    let TypeMetrics { processing, completed, failed, ref durations, .. } = *metrics;
    let durations = durations.durations().map(rounded).unwrap_or_default();
    Runs { processing, completed, failed, failure_rate: metrics.failure_rate(), durations }
}

fn rounded(durations: Durations) -> RunDurations {
    RunDurations {
        average_ms: Some(milli(durations.average_ms)),
        p50_ms: Some(milli(durations.p50_ms)),
        p95_ms: Some(milli(durations.p95_ms)),
        p99_ms: Some(milli(durations.p99_ms)),
    }
}

fn runs_at(point: RunPoint) -> RunsAt {
    let durations = point.durations.map(rounded).unwrap_or_default();
    RunsAt { at: rfc3339(point.at_s), completed: point.completed, failed: point.failed, durations }
}

fn messages_at(point: MessagePoint) -> MessagesAt {
    MessagesAt { at: rfc3339(point.at_s), messages: on_the_wire(point.counts) }
}

pub(crate) fn on_the_wire(counts: MessageCounts) -> Messages {
    let MessageCounts { accepted, delivered, errors, failed, canceled } = counts;
    Messages { accepted, delivered, errors, failed, canceled }
}

/// Formats a time. Times from Postgres are within the range of `Timestamp`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
