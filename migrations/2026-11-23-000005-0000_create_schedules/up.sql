-- Schedules: what publishes a message again and again. The row says when it fires next; whoever fires
-- it locks the row, stores the messages and moves next_fire_at on, in one transaction.

create table schedules (
    id text primary key,
    version bigserial not null,
    cron text not null,
    destination text not null,
    parameters json not null,
    body bytea not null,
    catch_up text not null,
    caller_ip text,
    paused boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    next_fire_at timestamptz,
    last_fire_at timestamptz,
    last_message_ids uuid[] not null default '{}',
    error text,

    constraint schedules_catch_up_known check (catch_up in ('none', 'last', 'all')),
    constraint schedules_paused_do_not_fire check (not paused or next_fire_at is null)
) with (
    -- Each firing updates its row, and nobody looks at the older ones.
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 200
);

-- What is due, and when to look next.
create index schedules_due on schedules (next_fire_at, id) where next_fire_at is not null;

comment on table schedules is 'What publishes a message whenever its cron expression says so.';
comment on column schedules.version is 'New with every replacement, and never used again: a firing of an older one can be told.';
comment on column schedules.cron is 'With its time zone; five fields, or six with seconds first.';
comment on column schedules.destination is 'URL or name of a URL group, exactly as it was written.';
comment on column schedules.parameters is 'What a publish by hand would say in its headers, but for what is the schedule''s own. Read anew for every firing.';
comment on column schedules.next_fire_at is 'Null while paused, and when the expression has no more firings.';
comment on column schedules.last_fire_at is 'The time for which it fired last, which is not when that was done.';
comment on column schedules.last_message_ids is 'What its last firing published.';
comment on column schedules.error is 'Why the last firing published nothing.';
