//! Sums over the runs of a period, for reports.
//!
//! A run counts at its start time. All days are UTC.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;

use crate::Error;

/// A period of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Inclusive start.
    pub from: Timestamp,
    /// Exclusive end.
    pub to: Timestamp,
}

impl Period {
    /// Returns the length of a step: an hour in a period of up to two days, else a day.
    pub fn step(self) -> Step {
        if self.to.duration_since(self.from).as_secs() <= 2 * 86_400 { Step::Hour } else { Step::Day }
    }
}

/// The length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A full hour.
    Hour,
    /// A day from midnight UTC.
    Day,
}

impl Step {
    /// Returns the name in Postgres.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Returns the length.
    pub fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(3600),
            Self::Day => Duration::from_secs(86_400),
        }
    }
}

/// The runs started in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct StepCounts {
    /// Start of the step, in seconds since 1970.
    pub begins_s: i64,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
}

/// The runs of one job type.
#[derive(Clone, Debug, PartialEq, diesel::Queryable)]
pub struct TypeSums {
    /// `Job::TYPE`.
    pub job_type: String,
    /// Completed.
    pub completed: i64,
    /// Failed.
    pub failed: i64,
    /// Mean duration of completed runs, in milliseconds; `None` without any.
    pub average_ms: Option<f64>,
    /// 95th percentile of their durations.
    pub p95_ms: Option<f64>,
    /// Sum of the durations of ended runs, in seconds.
    pub total_s: f64,
}

/// The runs of a user or an organization.
#[derive(Clone, Debug, PartialEq, diesel::Queryable)]
pub struct OwnerSums {
    /// The user or the organization; `None` for runs without one.
    pub id: Option<String>,
    /// Ended runs.
    pub runs: i64,
    /// Failed ones of these.
    pub failed: i64,
    /// Sum of their durations, in seconds.
    pub total_s: f64,
}

statement! {
    /// Omits steps without runs.
    Steps { step: &'a str => Text, from_ms: i64 => BigInt, to_ms: i64 => BigInt } -> (BigInt, BigInt, BigInt);
    "select extract(epoch from date_trunc(" {step} ", created_at, 'utc'))::bigint as begins,
            count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed')
     from job_executions
     where created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and status <> 'processing'
     group by begins order by begins"
}

/// Returns the ended runs by step, in order. Steps without runs are omitted.
pub async fn steps(conn: &mut AsyncPgConnection, period: Period) -> Result<Vec<StepCounts>, Error> {
    let (from_ms, to_ms) = millis(period);
    let step = period.step().as_str();
    Ok(Steps { step, from_ms, to_ms, lifetime: PhantomData }.load(conn).await?)
}

statement! {
    Types { from_ms: i64 => BigInt, to_ms: i64 => BigInt }
    -> (Text, BigInt, BigInt, Nullable<Double>, Nullable<Double>, Double);
    "with ended as (
        select job_type, status, extract(epoch from completed_at - started_at)::float8 as s from job_executions
        where created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
          and status <> 'processing'
    )
    select job_type, count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),
           avg(s * 1000) filter (where status = 'completed'),
           percentile_cont(0.95) within group (order by s * 1000) filter (where status = 'completed'), sum(s)
    from ended group by job_type order by count(*) desc, job_type"
}

/// Returns the ended runs by job type, the most frequent first.
pub async fn types(conn: &mut AsyncPgConnection, period: Period) -> Result<Vec<TypeSums>, Error> {
    let (from_ms, to_ms) = millis(period);
    Ok(Types { from_ms, to_ms, lifetime: PhantomData }.load(conn).await?)
}

/// The kind of owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// By organization.
    Organization,
    /// By user.
    User,
}

statement! {
    Owners { is_user: bool => Bool, from_ms: i64 => BigInt, to_ms: i64 => BigInt, most: i64 => BigInt }
    -> (Nullable<Text>, BigInt, BigInt, Double);
    "select case when " {is_user} " then user_id else organization_id end as owner, count(*) as runs,
            count(*) filter (where status = 'failed'), sum(extract(epoch from completed_at - started_at))::float8
     from job_executions
     where created_at >= to_timestamp(" {from_ms} " / 1000.0) and created_at < to_timestamp(" {to_ms} " / 1000.0)
       and status <> 'processing'
     group by owner order by runs desc, owner limit " {most}
}

/// Returns the ended runs by owner: the `most` owners with the most runs.
pub async fn owners(
    conn: &mut AsyncPgConnection,
    kind: OwnerKind,
    period: Period,
    most: i64,
) -> Result<Vec<OwnerSums>, Error> {
    let (from_ms, to_ms) = millis(period);
    let is_user = kind == OwnerKind::User;
    Ok(Owners { is_user, from_ms, to_ms, most, lifetime: PhantomData }.load(conn).await?)
}

fn millis(period: Period) -> (i64, i64) {
    (period.from.as_millisecond(), period.to.as_millisecond())
}
