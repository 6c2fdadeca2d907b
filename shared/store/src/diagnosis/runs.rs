//! Facts about runs of jobs.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// The last completed run of a type.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LastRun {
    /// Time since its completion.
    pub completed_s: f64,
    /// `retention` of its payload: for `cleanup-old-data` the days.
    pub retention_days: Option<f64>,
}

/// Returns the last run of `cleanup-old-data` completed within two days.
pub async fn last_cleanup(conn: &mut AsyncPgConnection) -> Result<Option<LastRun>, Error> {
    last(conn, "cleanup-old-data", "50 hours").await
}

/// Returns the last run of `check-job-health` completed within an hour.
pub async fn last_health_check(conn: &mut AsyncPgConnection) -> Result<Option<LastRun>, Error> {
    last(conn, "check-job-health", "1 hour").await
}

async fn last(conn: &mut AsyncPgConnection, job_type: &str, within: &str) -> Result<Option<LastRun>, Error> {
    let query = format!(
        "select extract(epoch from now() - completed_at) as completed_s,
                case when jsonb_typeof(payload -> 'retention') = 'number' then payload -> 'retention' end
                    as retention_days
         from job_executions
         where completed_at > now() - interval '{within}' and job_type = '{job_type}' and status = 'completed'
         order by completed_at desc limit 1"
    );
    Ok(rows(conn, &query).await?.pop())
}

/// The durations of a type's runs that completed within a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Durations {
    /// `Job::TYPE`.
    pub job_type: String,
    /// Number of runs.
    pub runs: i64,
    /// 99th percentile.
    pub p99_s: f64,
}

/// Returns the durations of the last day's runs, of at most the last hundred thousand.
pub async fn durations(conn: &mut AsyncPgConnection) -> Result<Vec<Durations>, Error> {
    let query = "
        select job_type, count(*) as runs,
               percentile_cont(0.99) within group (order by extract(epoch from completed_at - started_at)) as p99_s
        from (
            select job_type, completed_at, started_at from job_executions
            where completed_at > now() - interval '1 day' and status = 'completed'
            order by completed_at desc limit 100000
        ) recent
        group by job_type order by job_type";
    rows(conn, query).await
}

/// Runs in progress with a longer lease than renewals ever set.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Leases {
    /// Number of runs in progress.
    pub open: i64,
    /// Longest remaining time of a lease.
    pub longest_s: f64,
}

/// Reads the leases of runs in progress.
pub async fn leases(conn: &mut AsyncPgConnection) -> Result<Leases, Error> {
    let query = "select count(*) as open, coalesce(max(extract(epoch from lease_until - now())), 0) as longest_s
                 from job_executions where status = 'processing'";
    row(conn, query).await
}
