//! Facts that the alert rules use beside job health.

use std::marker::PhantomData;

use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::Error;
use crate::processes::{Process, living};
use crate::runs::LEASE_EXPIRED;

/// Current measurements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Runs and messages of the last hour whose lease expired.
    pub leases_lost: i64,
    /// Dead letters among the newest thousand whose message is not failed.
    pub dead_letters_disagree: i64,
    /// Responses 401 to deliveries of the last ten minutes.
    pub signature_rejections: i64,
    /// Age of the signing keys in days.
    pub key_age_days: Option<f64>,
    /// Duration of the longest statement or open transaction of the server, in seconds.
    pub longest_query_s: f64,
    /// Share of `max_connections` in use.
    pub connection_share: f64,
    /// Number of days, of today and the next two, without a partition.
    pub partitions_missing: i64,
    /// E-mails of the last day with a known outcome, or sent more than an hour ago.
    pub emails: i64,
    /// Bounced ones of these.
    pub emails_bounced: i64,
    /// Ones of these with a spam complaint.
    pub emails_complained: i64,
    /// The database's clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// Queues and flow-control keys with blocked messages.
    pub waiting: Vec<Waiting>,
    /// Job types with a completed run, and the time since the last one in seconds.
    pub last_completions: Vec<(String, f64)>,
    /// Processes of continuous dispatchers.
    pub processes: Vec<Process>,
    /// Samples of the backlog; `None` with too few samples in the last hour.
    pub backlog: Option<Backlog>,
    /// Dead letters a day ago; `None` without a sample.
    pub dead_letters_a_day_ago: Option<i64>,
}

/// Messages that are due, or blocked by a queue or a flow-control key.
#[derive(Clone, Copy, Debug, Default, PartialEq, diesel::Queryable)]
pub struct Backlog {
    /// Minimum of the last ten minutes.
    pub now: i64,
    /// Minimum of the last hour.
    pub least_of_hour: i64,
    /// Maximum of the day before the last ten minutes.
    pub most_before: i64,
    /// Average of the day before the last hour.
    pub average_before: f64,
}

/// A queue or key with blocked messages.
#[derive(Clone, Debug, PartialEq, diesel::Queryable)]
pub struct Waiting {
    /// `queue:NAME` or `flow:KEY`.
    pub gate: String,
    /// Number of blocked messages.
    pub count: i64,
    /// Longest time since one of them became due, in seconds.
    pub longest_s: f64,
}

statement! {
    Measure {} -> (
        BigInt, BigInt, BigInt, Nullable<Double>, Double, Double, BigInt, BigInt, BigInt, BigInt, BigInt,
    );
    "select
        (select count(*) from (
            select from job_executions where status = 'failed' and created_at >= now() - interval '1 day'
                and completed_at >= now() - interval '1 hour'
                and error = " [LEASE_EXPIRED] " limit 1000) few)
        + (select count(*) from (
            select from attempts a where a.outcome = 'lease_expired' and a.ended_at >= now() - interval '1 hour'
                and exists (select from pending_deliveries p where p.id = a.message_id) limit 1000) few),
        (select count(*) from (select message_id from dead_letters order by failed_at desc limit 1000) d
            where exists (select from pending_deliveries p where p.id = d.message_id) or exists (
                select from attempts a where a.message_id = d.message_id and a.outcome in ('delivered', 'cancelled'))),
        (select count(*) from attempts
            where outcome in ('retried', 'failed') and ended_at >= now() - interval '10 minutes' and response_status = 401),
        (select extract(epoch from now() - rotated_at)::float8 / 86400 from signing_keys),
        (select coalesce(max(extract(epoch from clock_timestamp() - xact_start)), 0)::float8 from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'),
        (select count(*) from pg_stat_activity where backend_type = 'client backend')::float8
            / current_setting('max_connections')::float8,
        (select count(*) from generate_series(0, 2) n
            where to_regclass('attempts_' || to_char((now() at time zone 'utc')::date + n, 'YYYYMMDD')) is null
                and not (n = 0 and to_regclass('past_attempts') is not null)),
        emails.all_of_them, emails.bounced, emails.complained,
        floor(extract(epoch from clock_timestamp()) * 1000)::bigint
    from (
        select count(*) as all_of_them, count(*) filter (where status = 'bounced') as bounced,
               count(*) filter (where status = 'complained') as complained
        from email_logs
        where sent_at >= now() - interval '1 day' and (status <> 'sent' or sent_at < now() - interval '1 hour')
    ) emails"
}

statement! {
    WhoWaits {} -> (Text, BigInt, Double);
    "select blocked_by, count(*), extract(epoch from now() - min(due_at))::float8
     from pending_deliveries where blocked_by is not null and due_at <= now()
     group by blocked_by order by 3 desc limit 100"
}

statement! {
    /// Skips from type to type in the index, without reading every run.
    LastCompletions {} -> (Text, Double);
    "select t.job_type, extract(epoch from now() - l.completed_at)::float8
     from (select distinct job_type from run_rollups where step_s = 3600 and at >= now() - interval '8 days'
           union select distinct job_type from job_executions where completed_at >= (select until from rollup_progress)
               and completed_at <= now()) t,
     lateral (
        select greatest(
            (select max(at) + interval '1 minute' from run_rollups r
             where step_s = 60 and status = 'completed' and r.job_type = t.job_type),
            (select max(at) from run_rollups r
             where step_s = 3600 and at >= now() - interval '8 days' and status = 'completed' and r.job_type = t.job_type),
            (select max(completed_at) from job_executions x
             where completed_at >= (select until from rollup_progress) and completed_at <= now()
               and status = 'completed' and x.job_type = t.job_type)
        ) as completed_at
     ) l
     where l.completed_at is not null order by 1"
}

statement! {
    /// While messages are open there is a sample a minute; half of them suffice for an hour.
    MeasureBacklog {} -> (BigInt, BigInt, BigInt, Double);
    "select now, least_of_hour, most_before, average_before
     from (
        select min(backlog) filter (where age < interval '10 minutes') as now,
               min(backlog) filter (where age < interval '1 hour') as least_of_hour,
               max(backlog) filter (where age >= interval '10 minutes') as most_before,
               avg(backlog) filter (where age >= interval '1 hour')::float8 as average_before,
               count(*) filter (where age < interval '1 hour') as looks
        from (select due + waiting as backlog, now() - at as age from queue_samples
              where at > now() - interval '25 hours' and at <= now()) samples
     ) measured
     where looks >= 30 and now is not null and average_before is not null"
}

statement! {
    DeadLettersADayAgo {} -> BigInt;
    "select dead_letters from queue_samples
     where at between now() - interval '2 days' and now() - interval '1 day' order by at desc limit 1"
}

type Row = (i64, i64, i64, Option<f64>, f64, f64, i64, i64, i64, i64, i64);

/// Collects all facts; the rollups should be caught up.
pub async fn gather(conn: &mut AsyncPgConnection) -> Result<Facts, Error> {
    let row: Row = Measure { lifetime: PhantomData }.get_result(conn).await?;
    let (leases_lost, dead_letters_disagree, signature_rejections, key_age_days, longest_query_s, ..) = row;
    let (.., connection_share, partitions_missing, emails, emails_bounced, emails_complained, now_ms) = row;
    Ok(Facts {
        leases_lost,
        dead_letters_disagree,
        signature_rejections,
        key_age_days,
        longest_query_s,
        connection_share,
        partitions_missing,
        emails,
        emails_bounced,
        emails_complained,
        now_ms,
        waiting: WhoWaits { lifetime: PhantomData }.load(conn).await?,
        last_completions: LastCompletions { lifetime: PhantomData }.load(conn).await?,
        processes: living(conn).await?,
        backlog: MeasureBacklog { lifetime: PhantomData }.get_result(conn).await.optional()?,
        dead_letters_a_day_ago: DeadLettersADayAgo { lifetime: PhantomData }.get_result(conn).await.optional()?,
    })
}
