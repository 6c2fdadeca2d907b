//! What the runs of jobs say.

use diesel_async::AsyncPgConnection;
use serde::Deserialize;

use super::{row, rows};
use crate::Error;

/// The last run of a type that completed.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct LastRun {
    /// When it did.
    pub completed_s: f64,
    /// `retention` of its payload: of `cleanup-old-data` the days.
    pub retention_days: Option<f64>,
}

/// The last run of `cleanup-old-data` that completed in two days.
pub async fn last_cleanup(conn: &mut AsyncPgConnection) -> Result<Option<LastRun>, Error> {
    last(conn, "cleanup-old-data", "50 hours").await
}

/// The last run of `check-job-health` that completed in an hour.
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

/// How long the runs of a type took that completed in a day.
#[derive(Clone, Debug, Deserialize)]
pub struct Durations {
    /// `Job::TYPE`.
    pub job_type: String,
    /// How many.
    pub runs: i64,
    /// 99 of 100 took no longer.
    pub p99_s: f64,
}

/// The durations of the last day's runs, of the last hundred thousand at most.
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

/// Runs under way for more than ten minutes, or whose lease has ended.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Stuck {
    /// How many.
    pub count: i64,
    /// How long the oldest has been under way.
    pub oldest_s: Option<f64>,
    /// The messages of the oldest ten.
    pub message_ids: Vec<String>,
}

/// Looks for runs that should have ended.
pub async fn stuck(conn: &mut AsyncPgConnection) -> Result<Stuck, Error> {
    let query = "
        select count(*) as count, extract(epoch from now() - min(started_at)) as oldest_s,
               coalesce((array_agg(message_id order by started_at))[1:10], '{}') as message_ids
        from job_executions
        where status = 'processing' and (lease_until <= now() or started_at <= now() - interval '10 minutes')";
    row(conn, query).await
}

/// Runs under way whose lease ends later than one that is renewed in order ever does.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Leases {
    /// Runs under way.
    pub open: i64,
    /// The longest time until a lease ends.
    pub longest_s: f64,
}

/// Looks at the runs under way.
pub async fn leases(conn: &mut AsyncPgConnection) -> Result<Leases, Error> {
    let query = "select count(*) as open, coalesce(max(extract(epoch from lease_until - now())), 0) as longest_s
                 from job_executions where status = 'processing'";
    row(conn, query).await
}
