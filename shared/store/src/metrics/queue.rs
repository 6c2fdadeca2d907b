//! Open messages over time, from samples that dispatchers take (`sample_queue` in the database).

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Window;
use crate::Error;

/// Number of open messages over the samples of a step. A sample counts at most 10,000 of each kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth {
    /// Average.
    pub average: f64,
    /// Maximum.
    pub most: i64,
}

impl From<(f64, i64)> for Depth {
    fn from((average, most): (f64, i64)) -> Self {
        Self { average, most }
    }
}

/// Open messages in one step of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueuePoint {
    /// Start of the step, in seconds since 1970.
    pub at_s: i64,
    /// Due and not yet delivered.
    pub due: Depth,
    /// Scheduled.
    pub scheduled: Depth,
    /// In flight.
    pub active: Depth,
    /// Blocked by queues and flow-control keys.
    pub waiting: Depth,
    /// Maximum age of the oldest due message, in seconds; `None` without due messages.
    pub oldest_due_s: Option<f64>,
    /// Maximum of dead letters.
    pub dead_letters: i64,
}

type Row = (i64, (f64, i64), (f64, i64), (f64, i64), (f64, i64), (Option<f64>, i64));

statement! {
    Series { unit: &'static str => Text, window_s: f64 => Double, step: &'static str => Text } -> (
        BigInt,
        (Double, BigInt),
        (Double, BigInt),
        (Double, BigInt),
        (Double, BigInt),
        (Nullable<Double>, BigInt),
    );
    "select extract(epoch from date_trunc(" {step} ", at, 'utc'))::bigint,
            avg(due)::float8, max(due), avg(scheduled)::float8, max(scheduled), avg(active)::float8, max(active),
            avg(waiting)::float8, max(waiting), max(oldest_due_s), max(dead_letters)
     from queue_samples
     where at >= date_trunc(" {unit} ", now() - make_interval(secs => " {window_s} "), 'utc') and at <= now()
     group by 1 order by 1"
}

/// Returns the open messages of a window by step, in order. Steps without samples are omitted.
pub async fn queue_series(conn: &mut AsyncPgConnection, window: Window) -> Result<Vec<QueuePoint>, Error> {
    let unit = window.unit();
    let statement = Series { unit, window_s: window.seconds(), step: unit, lifetime: PhantomData };
    let rows: Vec<Row> = statement.load(conn).await?;
    let point = |(at_s, due, scheduled, active, waiting, (oldest_due_s, dead_letters)): Row| QueuePoint {
        at_s,
        due: due.into(),
        scheduled: scheduled.into(),
        active: active.into(),
        waiting: waiting.into(),
        oldest_due_s,
        dead_letters,
    };
    Ok(rows.into_iter().map(point).collect())
}
