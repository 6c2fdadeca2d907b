-- The log: one row for each thing that happened to a message. It is also what /v2/events reads.
-- Partitioned by day, so that retention drops a table instead of deleting rows.

create type event_state as enum (
    'CREATED', 'ACTIVE', 'RETRY', 'ERROR', 'DELIVERED', 'FAILED', 'CANCEL_REQUESTED', 'CANCELED'
);

-- Sessions take numbers in blocks: within one instant the order of a session's own rows is kept, which is all that is asked of it.
create sequence events_id_seq cache 64;

create table events (
    at timestamptz not null default now(),
    id bigint not null default nextval('events_id_seq'),
    message_id uuid not null,
    state event_state not null,
    response_status integer,
    response_header jsonb,
    response_body bytea,
    error text,
    next_delivery_at timestamptz,
    primary key (at, id)
) partition by range (at);

alter sequence events_id_seq owned by events.id;
create index events_message_id on events (message_id);
create table events_default partition of events default;

comment on table events is 'No foreign key to messages: the log is written with every step of every message, and may outlive it.';
comment on column events.next_delivery_at is 'When the next attempt is planned; on RETRY rows.';
comment on column events.error is 'Why an attempt failed, in words; on ERROR and FAILED rows.';

-- Makes the partitions of today and of the next days. A day that already has rows in the default
-- partition keeps them there. Returns how many were made.
create function create_event_partitions(days_ahead integer) returns integer language plpgsql as $$
declare
    day date;
    name text;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('create_event_partitions'));
    for day in select generate_series(0, days_ahead) + (now() at time zone 'utc')::date loop
        name := 'events_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass(name) is not null;
        begin
            -- Made apart and attached: that takes a weaker lock on the parent than "partition of".
            execute format('create table %I (like events including defaults including constraints) with (autovacuum_vacuum_insert_scale_factor = 0.2)', name);
            execute format('alter table events attach partition %I for values from (%L) to (%L)',
                name, day::timestamp at time zone 'utc', (day + 1)::timestamp at time zone 'utc');
            made := made + 1;
        exception when check_violation then
            -- The default partition holds rows of that day; they stay where they are.
            null;
        end;
    end loop;
    return made;
end $$;

-- Drops the partitions whose last moment is before the given time. Returns how many.
create function drop_event_partitions(before timestamptz) returns integer language plpgsql as $$
declare
    name text;
    dropped integer := 0;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass and c.relname ~ '^events_\d{8}$'
          and (to_date(substr(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' <= before
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;

select create_event_partitions(7);
