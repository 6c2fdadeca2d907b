//! `GET /api/admin/job-metrics?window=24h`: numbers of ended runs and messages over time, and durations of runs.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use sigpost_runtime::ApiError;
use sigpost_store::metrics::{
    self, Histogram, MessageCounts, MessagePoint, RunPoint, TypeMetrics, Window, catch_up, message_series, milli,
    run_series, runs_by_type,
};
use sigpost_store::{AsyncPgConnection, Database, Error};

use crate::answer::answer;
use crate::window::{DAY, WindowQuery};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobMetrics {
    window_seconds: u64,
    /// Length of a step of the series in seconds.
    step_seconds: u64,
    messages: Messages,
    all: Runs,
    by_type: Vec<TypeRuns>,
    runs_over_time: Vec<RunsAt>,
    messages_over_time: Vec<MessagesAt>,
}

/// Percentiles are accurate to 10 %.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    processing: i64,
    completed: i64,
    failed: i64,
    failure_rate: f64,
    #[serde(flatten)]
    durations: Durations,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Durations {
    average_ms: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct TypeRuns {
    #[serde(rename = "type")]
    job_type: String,
    #[serde(flatten)]
    runs: Runs,
}

#[derive(Debug, Serialize)]
struct RunsAt {
    at: String,
    completed: i64,
    failed: i64,
    #[serde(flatten)]
    durations: Durations,
}

#[derive(Debug, Serialize)]
struct Messages {
    accepted: i64,
    delivered: i64,
    errors: i64,
    failed: i64,
    canceled: i64,
}

#[derive(Debug, Serialize)]
struct MessagesAt {
    at: String,
    #[serde(flatten)]
    messages: Messages,
}

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
        messages: MessageCounts::sum(&messages).into(),
        all: Runs::of(&all),
        by_type: types.iter().map(|one| TypeRuns { job_type: one.job_type.clone(), runs: Runs::of(one) }).collect(),
        runs_over_time: run_series(conn, window).await?.into_iter().map(RunsAt::from).collect(),
        messages_over_time: messages.into_iter().map(MessagesAt::from).collect(),
    })
}

impl Runs {
    fn of(metrics: &TypeMetrics) -> Self {
        let TypeMetrics { processing, completed, failed, ref durations, .. } = *metrics;
        Self {
            processing,
            completed,
            failed,
            failure_rate: metrics.failure_rate(),
            durations: Durations::of(durations),
        }
    }
}

impl Durations {
    fn of(histogram: &Histogram) -> Self {
        histogram.durations().map(Self::from).unwrap_or_default()
    }
}

impl From<metrics::Durations> for Durations {
    fn from(durations: metrics::Durations) -> Self {
        Self {
            average_ms: Some(milli(durations.average_ms)),
            p50_ms: Some(milli(durations.p50_ms)),
            p95_ms: Some(milli(durations.p95_ms)),
            p99_ms: Some(milli(durations.p99_ms)),
        }
    }
}

impl From<RunPoint> for RunsAt {
    fn from(point: RunPoint) -> Self {
        let durations = point.durations.map(Durations::from).unwrap_or_default();
        Self { at: rfc3339(point.at_s), completed: point.completed, failed: point.failed, durations }
    }
}

impl From<MessagePoint> for MessagesAt {
    fn from(point: MessagePoint) -> Self {
        Self { at: rfc3339(point.at_s), messages: point.counts.into() }
    }
}

impl From<MessageCounts> for Messages {
    fn from(counts: MessageCounts) -> Self {
        let MessageCounts { accepted, delivered, errors, failed, canceled } = counts;
        Self { accepted, delivered, errors, failed, canceled }
    }
}

/// Formats a time. Times from Postgres are within the range of `Timestamp`.
pub(crate) fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
