-- Processes that deliver all the time, and how each of them was when it last said so. Those that are awake only
-- now and then (in Lambda) are in "dispatchers" while they are.
--
-- Not logged: nothing of it is worth keeping over a restart of Postgres.

create unlogged table processes (
    id uuid primary key,
    name text not null,
    seen_at timestamptz not null,
    memory_bytes bigint,
    memory_limit_bytes bigint,
    deaf_since timestamptz
);

comment on table processes is 'One row per process of serve that delivers; what was not seen for twenty minutes is dead.';
comment on column processes.name is 'Host and process id.';
comment on column processes.memory_bytes is 'Resident memory; null where it cannot be read.';
comment on column processes.memory_limit_bytes is 'What it may use: the limit of its container, or what the machine has.';
comment on column processes.deaf_since is 'Since when no notifications arrive; null while they do.';
