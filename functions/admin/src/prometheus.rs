//! `GET /metrics` in the Prometheus text format.

mod text_format;

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use sigpost_health::checks::SCHEDULE_MISSED;
use sigpost_qstash::admin::ScheduleState;
use sigpost_runtime::ApiError;
use sigpost_runtime::metrics::{
    ADMIN_REFUSED, ALERTS, DEAD_LETTERS, MESSAGES, Metric, NAMESPACE, OLDEST_DUE_AGE, RUN_SECONDS, RUNS, RUNS_STUCK,
    SCHEDULES_LATE,
};
use sigpost_store::alerts::{self, Alert, Severity};
use sigpost_store::health::{Numbers, measure};
use sigpost_store::metrics::{Window, catch_up};
use sigpost_store::operation::schedule_states;
use sigpost_store::{AsyncPgConnection, Database, Error};

use crate::AdminToken;
use crate::answer::ask;
use crate::window::HOUR;

/// Registers the metrics of the process that serves `/metrics`.
pub type OwnMetrics = Arc<dyn Fn(&mut Registry) + Send + Sync>;

/// Values from the database.
struct Seen {
    numbers: Numbers,
    schedules: Vec<ScheduleState>,
    alerts: Vec<Alert>,
}

pub(crate) async fn get_metrics(
    State((database, token, own)): State<(Database, AdminToken, OwnMetrics)>,
) -> Result<Response, ApiError> {
    let seen = ask(&database, look).await?;
    let mut registry = Registry::with_prefix(NAMESPACE);
    own(&mut registry);
    registry.register(ADMIN_REFUSED.name, ADMIN_REFUSED.help, ConstCounter::new(token.rejected()));
    seen.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error: fmt::Error| ApiError::internal(error))?;
    let text = text_format::from_open_metrics(&text);
    Ok(([(header::CONTENT_TYPE, text_format::CONTENT_TYPE)], text).into_response())
}

async fn look(conn: &mut AsyncPgConnection) -> Result<Seen, Error> {
    catch_up(conn).await?;
    Ok(Seen {
        numbers: measure(conn, Window::new(HOUR)).await?,
        schedules: schedule_states(conn).await?,
        alerts: alerts::open(conn).await?,
    })
}

type Labels = Vec<(&'static str, String)>;

/// Registers a gauge for each set of labels.
fn family(registry: &mut Registry, metric: Metric, values: impl IntoIterator<Item = (Labels, f64)>) {
    let family = Family::<Labels, Gauge<f64, std::sync::atomic::AtomicU64>>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(metric.name, metric.help, family);
}

fn gauge(registry: &mut Registry, metric: Metric, value: f64) {
    registry.register(metric.name, metric.help, ConstGauge::new(value));
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of anything")]
fn number(count: i64) -> f64 {
    count as f64
}

impl Seen {
    fn register(&self, registry: &mut Registry) {
        let Self { numbers, schedules, alerts } = self;
        gauge(registry, OLDEST_DUE_AGE, numbers.queue.oldest_due_s.unwrap_or_default());
        let states =
            [("due", numbers.queue.due), ("scheduled", numbers.queue.scheduled), ("active", numbers.queue.active)];
        family(registry, MESSAGES, states.map(|(state, count)| (vec![("state", state.to_owned())], number(count))));
        gauge(registry, DEAD_LETTERS, number(numbers.dead_letters.total));
        gauge(registry, RUNS_STUCK, number(numbers.stuck.count));
        let runs = numbers.by_type.iter().flat_map(|one| {
            [("processing", one.processing), ("completed", one.completed), ("failed", one.failed)].map(
                |(status, count)| (vec![("type", one.job_type.clone()), ("status", status.to_owned())], number(count)),
            )
        });
        family(registry, RUNS, runs);
        let seconds = numbers.by_type.iter().filter_map(|one| Some((&one.job_type, one.durations.durations()?)));
        let seconds = seconds.flat_map(|(job_type, durations)| {
            // Not `quantile`: this label is reserved for summaries.
            [("p50", durations.p50_ms), ("p95", durations.p95_ms), ("p99", durations.p99_ms)].map(|(percentile, ms)| {
                (vec![("type", job_type.clone()), ("percentile", percentile.to_owned())], ms / 1000.0)
            })
        });
        family(registry, RUN_SECONDS, seconds);
        let alerts = [Severity::Warning, Severity::Critical].map(|severity| {
            let count = alerts.iter().filter(|alert| alert.severity == severity).count();
            (vec![("severity", severity.as_str().to_owned())], number(i64::try_from(count).unwrap_or(i64::MAX)))
        });
        family(registry, ALERTS, alerts);
        let is_late = |schedule: &&ScheduleState| SCHEDULE_MISSED.thresholds.level(schedule.late_s).is_some();
        let late = schedules.iter().filter(is_late).count();
        gauge(registry, SCHEDULES_LATE, number(i64::try_from(late).unwrap_or(i64::MAX)));
    }
}
