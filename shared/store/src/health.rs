//! Measurements of job health. `sigpost-health` decides what they mean.

mod dispatchers;
mod late_schedules;

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::dispatchers::{Dispatchers, Slowest, dispatchers};
pub use self::late_schedules::{Late, late_schedules};
use crate::Error;
use crate::metrics::{Durations, Histogram, TypeMetrics, Window, runs_by_type};

/// Measurements of jobs, runs and messages. "In the window" means between the window's length ago and now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Runs by job type, in the order of the types' names. Types without runs are omitted.
    pub by_type: Vec<TypeMetrics>,
    /// Stuck runs.
    pub stuck: Stuck,
    /// Open messages.
    pub queue: Queue,
    /// Dead letters.
    pub dead_letters: DeadLetters,
    /// Durations of runs completed in the window; `None` without any.
    pub durations: Option<Durations>,
    /// When the last run completed, in the window or before; milliseconds since 1970.
    pub last_completed_at_ms: Option<i64>,
}

/// Runs in progress for more than ten minutes, or with an expired lease; at most 10,000.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stuck {
    /// Number of runs.
    pub count: i64,
    /// Age of the oldest run in seconds.
    pub oldest_s: Option<f64>,
    /// Message IDs of the oldest ten.
    pub message_ids: Vec<String>,
}

/// Open messages, at most 10,000 of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// Due now: pending, or with an expired lease.
    pub due: i64,
    /// Pending and due later.
    pub scheduled: i64,
    /// In flight.
    pub active: i64,
    /// Blocked by queues and flow-control keys.
    pub waiting: i64,
    /// Age of the oldest due message in seconds.
    pub oldest_due_s: Option<f64>,
}

/// Dead letters, at most 10,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// In the window.
    pub in_window: i64,
    /// In total.
    pub total: i64,
}

/// Measures over a window, from the rollups, which should be [caught up](crate::metrics::catch_up), and from open
/// rows. It writes nothing, and reads at most 10,000 rows of each kind.
pub async fn measure(conn: &mut AsyncPgConnection, window: Window) -> Result<Numbers, Error> {
    let by_type = runs_by_type(conn, window).await?;
    let row: Row =
        MeasureOpen { window_s: window.length().as_secs_f64(), lifetime: PhantomData }.get_result(conn).await?;
    let (stuck, queue, dead_letters, last_completed_at_ms) = row;
    Ok(Numbers {
        durations: all_durations(&by_type),
        by_type,
        stuck: Stuck { count: stuck.0, oldest_s: stuck.1, message_ids: stuck.2 },
        queue: Queue::read(queue),
        dead_letters: DeadLetters { in_window: dead_letters.0, total: dead_letters.1 },
        last_completed_at_ms,
    })
}

fn all_durations(by_type: &[TypeMetrics]) -> Option<Durations> {
    let mut all = Histogram::default();
    by_type.iter().for_each(|metrics| all.merge(&metrics.durations));
    all.durations()
}

type QueueRow = (i64, i64, i64, i64, Option<f64>);

impl Queue {
    fn read((due, scheduled, active, waiting, oldest_due_s): QueueRow) -> Self {
        Self { due, scheduled, active, waiting, oldest_due_s }
    }
}

type Row = ((i64, Option<f64>, Vec<String>), QueueRow, (i64, i64), Option<i64>);

statement! {
    MeasureOpen { window_s: f64 => Double } -> (
        (BigInt, Nullable<Double>, Array<Text>),
        (BigInt, BigInt, BigInt, BigInt, Nullable<Double>),
        (BigInt, BigInt),
        Nullable<BigInt>,
    );
    "with stuck as (
        select count(*) as count, extract(epoch from now() - min(started_at))::float8 as oldest_s,
               coalesce((array_agg(message_id order by started_at))[1:10], '{}') as message_ids
        from (
            select started_at, message_id from job_executions
            where status = 'processing' and (lease_until <= now() or started_at <= now() - interval '10 minutes')
            limit 10000
        ) few
    ),
    dead as (
        select count(*) as in_window from (
            select from dead_letters
            where failed_at >= now() - make_interval(secs => " {window_s} ") limit 10000) few
    ),
    latest as (
        select completed_at from job_executions
        where completed_at is not null and status = 'completed' order by completed_at desc limit 1
    )
    select stuck.count, stuck.oldest_s, stuck.message_ids,
           queue.due, queue.scheduled, queue.active, queue.waiting, queue.oldest_due_s,
           dead.in_window, queue.dead_letters, (select (extract(epoch from completed_at) * 1000)::bigint from latest)
    from stuck, measure_queue() queue, dead"
}
