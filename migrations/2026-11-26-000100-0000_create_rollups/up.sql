-- How many runs and messages ended when, so that nobody who asks how jobs are doing counts rows: by the
-- minute for a day, by the hour for a year. What ended since the last roll-up is counted where it is.

create table run_rollups (
    step_s integer not null,
    at timestamptz not null,
    job_type text not null,
    status job_execution_status not null,
    bucket integer not null,
    runs bigint not null,
    total_ms double precision not null,

    primary key (step_s, at, job_type, status, bucket),
    constraint run_rollups_step_known check (step_s in (60, 3600))
);

create table message_rollups (
    step_s integer not null,
    at timestamptz not null,
    state event_state not null,
    messages bigint not null,

    primary key (step_s, at, state),
    constraint message_rollups_step_known check (step_s in (60, 3600))
);

create table rollup_progress (
    only_row boolean primary key default true,
    until timestamptz not null,
    constraint rollup_progress_one_row check (only_row)
);

comment on table run_rollups is 'Runs that ended, by the moment of their end.';
comment on column run_rollups.step_s is 'What a row sums over, in seconds: a minute or an hour.';
comment on column run_rollups.at is 'When the step begins.';
comment on column run_rollups.bucket is 'How long they took: see duration_bucket().';
comment on column run_rollups.total_ms is 'Their durations together.';
comment on table message_rollups is 'Rows of the log that say that a message was accepted, failed once, or ended.';
comment on table rollup_progress is 'Everything before "until" is in the rollups.';

-- What ended last, and what ended since the last roll-up.
create index job_executions_completed_at on job_executions (completed_at) where completed_at is not null;

-- Four buckets to a doubling: durations in one differ by a fifth at most. Bucket b ends at 2^(b/4) ms.
create function duration_bucket(ms double precision) returns integer immutable parallel safe language sql as $$
    select ceil(4 * ln(greatest(ms, 0.001)) / ln(2::double precision))::integer
$$;

-- All is bounded on both sides by what the planner knows: of one bound that it does not know it expects a third
-- of the table, and would read it all.

-- The runs that ended since a moment, by step. By the hour it has to be the beginning of one, and is within the year;
-- by the minute within the day.
create function run_tallies(since timestamptz, by_hour boolean)
returns table (at timestamptz, job_type text, status job_execution_status, bucket integer, runs bigint, total_ms double precision)
stable language sql as $$
    select r.at, r.job_type, r.status, r.bucket, r.runs, r.total_ms
    from run_rollups r, rollup_progress p
    where by_hour and r.step_s = 3600 and r.at >= since and r.at <= now() and r.at < date_trunc('hour', p.until, 'utc')
    union all
    select r.at, r.job_type, r.status, r.bucket, r.runs, r.total_ms
    from run_rollups r, rollup_progress p
    where r.step_s = 60 and r.at <= now() and r.at < p.until
      and r.at >= case when by_hour then greatest(since, date_trunc('hour', p.until, 'utc')) else since end
    union all
    select date_trunc('minute', e.completed_at), e.job_type, e.status, duration_bucket(e.ms), count(*), sum(e.ms)
    from (
        select x.completed_at, x.job_type, x.status,
               extract(epoch from x.completed_at - x.started_at)::double precision * 1000 as ms
        from job_executions x
        where x.completed_at >= (select greatest(p.until, since) from rollup_progress p) and x.completed_at <= now()
    ) e
    group by 1, 2, 3, 4
$$;

-- The same of messages.
create function message_tallies(since timestamptz, by_hour boolean)
returns table (at timestamptz, state event_state, messages bigint)
stable language sql as $$
    select r.at, r.state, r.messages
    from message_rollups r, rollup_progress p
    where by_hour and r.step_s = 3600 and r.at >= since and r.at <= now() and r.at < date_trunc('hour', p.until, 'utc')
    union all
    select r.at, r.state, r.messages
    from message_rollups r, rollup_progress p
    where r.step_s = 60 and r.at <= now() and r.at < p.until
      and r.at >= case when by_hour then greatest(since, date_trunc('hour', p.until, 'utc')) else since end
    union all
    select date_trunc('minute', e.at), e.state, count(*)
    from events e
    where e.at >= (select greatest(p.until, since) from rollup_progress p) and e.at <= now()
      and e.state in ('CREATED', 'DELIVERED', 'ERROR', 'FAILED', 'CANCELED')
    group by 1, 2
$$;

-- Rolls up what ended until a minute ago, at most a day at a time. Returns whether nothing is left to do.
-- The last ten minutes are done again each time: what a transaction wrote is dated by its beginning and
-- seen at its end. Of several at once one does it, and the others have nothing to do.
create function roll_up() returns boolean language plpgsql as $$
declare
    last timestamptz;
    target timestamptz := date_trunc('minute', now() - interval '1 minute');
    since timestamptz;
    upto timestamptz;
    hour timestamptz;
begin
    if not pg_try_advisory_xact_lock(hashtext('roll_up')) then
        return true;
    end if;
    select p.until into strict last from rollup_progress p;
    if last >= target then
        return true;
    end if;
    since := last - interval '10 minutes';
    upto := least(target, last + interval '1 day');
    hour := date_trunc('hour', since, 'utc');

    delete from run_rollups r where r.step_s = 60 and r.at >= since;
    insert into run_rollups
    select 60, date_trunc('minute', e.completed_at), e.job_type, e.status, duration_bucket(e.ms), count(*), sum(e.ms)
    from (
        select x.completed_at, x.job_type, x.status,
               extract(epoch from x.completed_at - x.started_at)::double precision * 1000 as ms
        from job_executions x where x.completed_at >= since and x.completed_at < upto
    ) e
    group by 2, 3, 4, 5;
    delete from run_rollups r where r.step_s = 3600 and r.at >= hour;
    insert into run_rollups
    select 3600, date_trunc('hour', r.at, 'utc'), r.job_type, r.status, r.bucket, sum(r.runs), sum(r.total_ms)
    from run_rollups r where r.step_s = 60 and r.at >= hour
    group by 2, 3, 4, 5;

    delete from message_rollups r where r.step_s = 60 and r.at >= since;
    insert into message_rollups
    select 60, date_trunc('minute', e.at), e.state, count(*)
    from events e
    where e.at >= since and e.at < upto and e.state in ('CREATED', 'DELIVERED', 'ERROR', 'FAILED', 'CANCELED')
    group by 2, 3;
    delete from message_rollups r where r.step_s = 3600 and r.at >= hour;
    insert into message_rollups
    select 3600, date_trunc('hour', r.at, 'utc'), r.state, sum(r.messages)
    from message_rollups r where r.step_s = 60 and r.at >= hour
    group by 2, 3;

    delete from run_rollups r
    where r.step_s = 60 and r.at < upto - interval '26 hours' or r.step_s = 3600 and r.at < upto - interval '400 days';
    delete from message_rollups r
    where r.step_s = 60 and r.at < upto - interval '26 hours' or r.step_s = 3600 and r.at < upto - interval '400 days';

    update rollup_progress p set until = upto;
    return upto = target;
end $$;

insert into rollup_progress (until)
select date_trunc('minute', least(
    (select min(completed_at) from job_executions), (select min(at) from events), now() - interval '1 minute'));

do $$ begin
    while not roll_up() loop end loop;
end $$;
