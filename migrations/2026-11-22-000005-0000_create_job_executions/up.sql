-- One row for each run of a job by its handler: what really ran, beside what was delivered (events).

create type job_execution_status as enum ('processing', 'completed', 'failed');

create table job_executions (
    id uuid primary key,
    message_id text not null,
    job_type text not null,
    attempt integer not null,
    status job_execution_status not null default 'processing',
    payload jsonb,
    result jsonb,
    error text,
    user_id text,
    organization_id text,
    lease_until timestamptz,
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    created_at timestamptz not null default now(),

    constraint job_executions_leased_while_processing check ((lease_until is not null) = (status = 'processing')),
    constraint job_executions_ended_when_finished check ((completed_at is null) = (status = 'processing'))
) with (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05
);

-- A message is run by one handler at a time, and never again once it is completed. One index for
-- both: with one each, a run could begin in the moment in which another one turns into completed.
create unique index job_executions_one_open_or_completed on job_executions (message_id)
    where status in ('processing', 'completed');

create index job_executions_message_id on job_executions (message_id);
create index idx_job_executions_status on job_executions (status);
create index idx_job_executions_created_at on job_executions (created_at desc);
create index idx_job_executions_user_id on job_executions (user_id);
create index idx_job_executions_organization_id on job_executions (organization_id);
create index idx_job_executions_status_created on job_executions (status, created_at desc);

comment on column job_executions.id is 'Also the fence: the heartbeat and the end of a run name it and its status.';
comment on column job_executions.message_id is 'As on the wire (msg_...): a handler may serve deliveries of another dispatcher.';
comment on column job_executions.attempt is 'From 1; the number of the delivery that started this run.';
comment on column job_executions.lease_until is 'Until when the run is believed alive without a heartbeat.';
