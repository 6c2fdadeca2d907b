//! The tables of the reference and their statements.

use anyhow::{Context, Result, ensure};

use crate::postgres;

const CREATE: &str = "
    create table reference_jobs (
        id bigint generated always as identity primary key,
        url text not null,
        body bytea not null,
        state smallint not null default 0,
        attempt integer not null default 0,
        due_at timestamptz not null default now(),
        lease_until timestamptz,
        created_at timestamptz not null default now(),
        done_at timestamptz
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
    create index reference_jobs_due on reference_jobs (due_at, id) where state = 0;
    create table reference_executions (
        job_id bigint not null,
        attempt integer not null,
        status integer not null,
        duration_ms integer not null,
        at timestamptz not null default now()
    );
    create index reference_executions_job on reference_executions (job_id);";

/// $1: the URL, $2: bodies.
pub(super) const INSERT: &str =
    "insert into reference_jobs (url, body) select $1, body from unnest($2::bytea[]) body returning id";

/// $1: the maximum number of jobs.
pub(super) const CLAIM: &str = "
    with due as (
        select id from reference_jobs where state = 0 and due_at <= now() order by due_at, id
        limit $1 for update skip locked
    )
    update reference_jobs j set state = 1, attempt = attempt + 1, lease_until = now() + interval '60 s'
    from due where j.id = due.id returning j.id, j.attempt, j.body";

/// $1 to $4: job, attempt, status and milliseconds of each outcome.
pub(super) const RECORD: &str = "
    with outcomes as (
        select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[]) as o (id, attempt, status, ms)
    ), done as (
        update reference_jobs j set state = 2, done_at = now(), lease_until = null
        from outcomes o where j.id = o.id and j.attempt = o.attempt
    )
    insert into reference_executions (job_id, attempt, status, duration_ms) select id, attempt, status, ms from outcomes";

const COUNTS: &str = "select
    (select count(*) from reference_jobs),
    (select count(*) from reference_jobs where state = 2),
    (select count(*) from reference_executions where status = 200)";

/// Creates the tables.
pub(super) async fn create(url: &str) -> Result<()> {
    postgres::connect(url).await?.batch_execute(CREATE).await.context("the tables of the reference")
}

/// Whether `jobs` jobs are recorded as done.
pub(super) async fn are_done(url: &str, jobs: u64) -> Result<bool> {
    Ok(counts(url).await?[1] == i64::try_from(jobs)?)
}

/// Checks that the database holds these jobs, of which `done` were delivered once.
pub(super) async fn check(url: &str, jobs: u64, done: u64) -> Result<()> {
    let (found, jobs, done) = (counts(url).await?, i64::try_from(jobs)?, i64::try_from(done)?);
    ensure!(found == [jobs, done, done], "the reference stored, completed and logged {found:?} of {jobs} jobs");
    Ok(())
}

async fn counts(url: &str) -> Result<[i64; 3]> {
    let row = postgres::connect(url).await?.query_one(COUNTS, &[]).await.context("counting the reference's jobs")?;
    Ok([0, 1, 2].map(|column| row.get(column)))
}
