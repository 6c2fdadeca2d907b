//! Job health: the numbers, in two statements, and what they mean.

mod report;
mod verdict;

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

pub use self::report::Report;
pub use self::verdict::Health;
use crate::Error;

/// How jobs, runs and messages stand. "In the window" means between the window's length ago and now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    /// Runs by job type, in the order of the types' names. A type without any is not here.
    pub by_type: Vec<TypeCounts>,
    /// Runs that should have ended.
    pub stuck: Stuck,
    /// Messages on their way.
    pub queue: Queue,
    /// Messages that failed for good.
    pub dead_letters: DeadLetters,
    /// How long runs took that completed in the window; `None` when none did.
    pub durations: Option<Durations>,
    /// When the last run completed, whether in the window or before; milliseconds since 1970.
    pub last_completed_at_ms: Option<i64>,
}

/// The runs of one job type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeCounts {
    /// `Job::TYPE`.
    pub job_type: String,
    /// Under way now, whenever they began.
    pub processing: i64,
    /// Completed in the window.
    pub completed: i64,
    /// Failed in the window.
    pub failed: i64,
}

/// Runs under way for more than ten minutes, or whose lease has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stuck {
    /// How many.
    pub count: i64,
    /// How long the oldest has been under way, in seconds.
    pub oldest_s: Option<f64>,
    /// The messages of the oldest ten.
    pub message_ids: Vec<String>,
}

/// Open messages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// Could be delivered now: pending and due, or leased by a dispatcher that let the lease end.
    pub due: i64,
    /// Pending and due later.
    pub scheduled: i64,
    /// Being delivered.
    pub active: i64,
    /// For how long the oldest has been due, in seconds.
    pub oldest_due_s: Option<f64>,
}

/// Messages that failed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// In the window.
    pub in_window: i64,
    /// All that are kept.
    pub total: i64,
}

/// Durations in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Durations {
    /// The mean.
    pub average_ms: f64,
    /// Half took no longer.
    pub p50_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

/// Measures over a window. Reads the open messages, the open runs and the window's; no lock is taken.
pub async fn measure(conn: &mut AsyncPgConnection, window: Duration) -> Result<Numbers, Error> {
    let window_s = window.as_secs_f64();
    let by_type: Vec<(String, i64, i64, i64)> = CountRuns { window_s, lifetime: PhantomData }.load(conn).await?;
    let row: Row = MeasureAll { window_s, lifetime: PhantomData }.get_result(conn).await?;
    let (stuck, queue, dead_letters, durations, last_completed_at_ms) = row;
    Ok(Numbers {
        by_type: by_type
            .into_iter()
            .map(|(job_type, processing, completed, failed)| TypeCounts { job_type, processing, completed, failed })
            .collect(),
        stuck: Stuck { count: stuck.0, oldest_s: stuck.1, message_ids: stuck.2 },
        queue: Queue { due: queue.0, scheduled: queue.1, active: queue.2, oldest_due_s: queue.3 },
        dead_letters: DeadLetters { in_window: dead_letters.0, total: dead_letters.1 },
        durations: durations_from(durations),
        last_completed_at_ms,
    })
}

fn durations_from((average_ms, percentiles): (Option<f64>, Option<Vec<f64>>)) -> Option<Durations> {
    let [p50_ms, p95_ms, p99_ms] = percentiles?.try_into().ok()?;
    Some(Durations { average_ms: average_ms?, p50_ms, p95_ms, p99_ms })
}

statement! {
    /// A run counts when it ended, not when it began. The index is by the beginning: no run lasts a
    /// day, so those that ended in the window began at most a day before it.
    CountRuns { window_s: f64 => Double } -> (Text, BigInt, BigInt, BigInt);
    "with given as (select now() - make_interval(secs => " {window_s} ") as since),
    counted as (
        select job_type, status from job_executions, given
        where created_at >= given.since - interval '1 day' and completed_at >= given.since
        union all
        select job_type, status from job_executions where status = 'processing'
    )
    select job_type, count(*) filter (where status = 'processing'), count(*) filter (where status = 'completed'),
           count(*) filter (where status = 'failed')
    from counted group by job_type order by job_type"
}

type Row = (
    (i64, Option<f64>, Vec<String>),
    (i64, i64, i64, Option<f64>),
    (i64, i64),
    (Option<f64>, Option<Vec<f64>>),
    Option<i64>,
);

statement! {
    /// The last completion is the latest among the hundred runs that began last, which the index finds.
    MeasureAll { window_s: f64 => Double } -> (
        (BigInt, Nullable<Double>, Array<Text>),
        (BigInt, BigInt, BigInt, Nullable<Double>),
        (BigInt, BigInt),
        (Nullable<Double>, Nullable<Array<Double>>),
        Nullable<BigInt>,
    );
    "with given as (select now() - make_interval(secs => " {window_s} ") as since),
    stuck as (
        select count(*) as count, extract(epoch from now() - min(started_at))::float8 as oldest_s,
               coalesce((array_agg(message_id order by started_at))[1:10], '{}') as message_ids
        from job_executions
        where status = 'processing' and (lease_until <= now() or started_at <= now() - interval '10 minutes')
    ),
    queue as (
        select count(*) filter (where due_at <= now()) as due,
               count(*) filter (where due_at > now() and state = 'pending') as scheduled,
               count(*) filter (where due_at > now() and state = 'active') as active,
               extract(epoch from now() - min(due_at) filter (where due_at <= now()))::float8 as oldest_due_s
        from messages where due_at is not null
    ),
    dead as (
        select (select count(*) from dead_letters, given where failed_at >= given.since) as in_window,
               (select count(*) from dead_letters) as total
    ),
    durations as (
        select avg(ms) as average, percentile_cont(array[0.5, 0.95, 0.99]) within group (order by ms) as percentiles
        from (
            select extract(epoch from completed_at - started_at)::float8 * 1000 as ms from job_executions, given
            where status = 'completed' and created_at >= given.since - interval '1 day' and completed_at >= given.since
        ) completed
    ),
    latest as (
        select (extract(epoch from max(completed_at)) * 1000)::bigint as ms from (
            select completed_at from job_executions where status = 'completed' order by created_at desc limit 100
        ) recent
    )
    select stuck.count, stuck.oldest_s, stuck.message_ids, queue.due, queue.scheduled, queue.active, queue.oldest_due_s,
           dead.in_window, dead.total, durations.average, durations.percentiles, latest.ms
    from stuck, queue, dead, durations, latest"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_completed_runs_there_are_no_durations() {
        assert_eq!(durations_from((None, None)), None);
        let four = Durations { average_ms: 2.0, p50_ms: 1.0, p95_ms: 3.0, p99_ms: 4.0 };
        assert_eq!(durations_from((Some(2.0), Some(vec![1.0, 3.0, 4.0]))), Some(four));
    }
}
