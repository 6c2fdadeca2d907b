//! Runs that ended, by job type and over time.

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
    /// Under way now, whenever they began.
    pub processing: i64,
    /// Completed in the window.
    pub completed: i64,
    /// Failed in the window.
    pub failed: i64,
    /// How long the completed ones took.
    pub durations: Histogram,
}

impl TypeMetrics {
    /// The share of failed runs among those that ended; 0 when none did.
    pub fn failure_rate(&self) -> f64 {
        failure_rate(self.completed, self.failed)
    }
}

/// The share of failed runs among so many that ended; 0 when none did.
pub fn failure_rate(completed: i64, failed: i64) -> f64 {
    match completed + failed {
        0 => 0.0,
        #[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 runs")]
        ended => failed as f64 / ended as f64,
    }
}

/// The runs that ended in one step of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPoint {
    /// When the step begins, in seconds since 1970.
    pub at_s: i64,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// How long the completed ones took; `None` when none did.
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

/// The runs of a window by job type, in the order of the types' names. A type without any is not in it.
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

/// The runs of a window over time, by its step, in order. A step without any is not in it.
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
