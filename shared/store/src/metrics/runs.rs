//! Ended runs, by job type and over time.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Bool, Double, Integer, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{Durations, Histogram, Window};
use crate::Error;

/// The runs of one job type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeMetrics {
    /// `Job::TYPE`.
    pub job_type: String,
    /// In progress now.
    pub processing: i64,
    /// Completed in the window.
    pub completed: i64,
    /// Failed in the window.
    pub failed: i64,
    /// Durations of completed runs.
    pub durations: Histogram,
}

impl TypeMetrics {
    /// Returns the share of failed runs among ended ones; 0 without any.
    pub fn failure_rate(&self) -> f64 {
        failure_rate(self.completed, self.failed)
    }
}

/// Returns the share of failed runs among ended ones; 0 without any.
pub fn failure_rate(completed: i64, failed: i64) -> f64 {
    match completed + failed {
        0 => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 runs")]
        ended => failed as f64 / ended as f64,
    }
}

/// The ended runs in one step of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPoint {
    /// Start of the step, in seconds since 1970.
    pub at_s: i64,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// Durations of completed runs; `None` without any.
    pub durations: Option<Durations>,
}

statement! {
    ByType { unit: &'static str => Text, window_s: f64 => Double, by_hour: bool => Bool }
    -> (Text, Text, Integer, BigInt, Double);
    "select job_type, status::text, bucket, sum(runs)::bigint, sum(total_ms)
     from run_tallies(date_trunc(" {unit} ", now() - make_interval(secs => " {window_s} "), 'utc'), " {by_hour} ")
     group by 1, 2, 3
     union all
     select job_type, 'processing', 0, count(*), 0 from job_executions where status = 'processing' group by 1"
}

statement! {
    Series { unit: &'static str => Text, window_s: f64 => Double, by_hour: bool => Bool, step: &'static str => Text }
    -> (BigInt, Text, Integer, BigInt, Double);
    "select extract(epoch from date_trunc(" {step} ", at, 'utc'))::bigint, status::text, bucket, sum(runs)::bigint, sum(total_ms)
     from run_tallies(date_trunc(" {unit} ", now() - make_interval(secs => " {window_s} "), 'utc'), " {by_hour} ")
     group by 1, 2, 3"
}

/// Returns the runs of a window by job type, in the order of the types' names. Types without runs are omitted.
pub async fn runs_by_type(conn: &mut AsyncPgConnection, window: Window) -> Result<Vec<TypeMetrics>, Error> {
    let statement =
        ByType { unit: window.unit(), window_s: window.seconds(), by_hour: window.is_by_hour(), lifetime: PhantomData };
    let rows: Vec<(String, String, i32, i64, f64)> = statement.load(conn).await?;
    let mut types: BTreeMap<String, TypeMetrics> = BTreeMap::new();
    for (job_type, status, bucket, runs, total_ms) in rows {
        let metrics = types
            .entry(job_type)
            .or_insert_with_key(|job_type| TypeMetrics { job_type: job_type.clone(), ..TypeMetrics::default() });
        match status.as_str() {
            "completed" => {
                metrics.completed += runs;
                metrics.durations.add(bucket, runs, total_ms);
            }
            "failed" => metrics.failed += runs,
            _ => metrics.processing += runs,
        }
    }
    Ok(types.into_values().collect())
}

/// Returns the runs of a window by step, in order. Steps without runs are omitted.
pub async fn run_series(conn: &mut AsyncPgConnection, window: Window) -> Result<Vec<RunPoint>, Error> {
    let unit = window.unit();
    let statement =
        Series { unit, window_s: window.seconds(), by_hour: window.is_by_hour(), step: unit, lifetime: PhantomData };
    let rows: Vec<(i64, String, i32, i64, f64)> = statement.load(conn).await?;
    let mut points: BTreeMap<i64, (i64, i64, Histogram)> = BTreeMap::new();
    for (at_s, status, bucket, runs, total_ms) in rows {
        let (completed, failed, durations) = points.entry(at_s).or_default();
        if status == "failed" {
            *failed += runs;
        } else {
            *completed += runs;
            durations.add(bucket, runs, total_ms);
        }
    }
    let point = |(at_s, (completed, failed, durations)): (i64, (i64, i64, Histogram))| RunPoint {
        at_s,
        completed,
        failed,
        durations: durations.durations(),
    };
    Ok(points.into_iter().map(point).collect())
}
