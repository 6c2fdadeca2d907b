-- Dispatchers that are awake only now and then (in Lambda), while they are: an accept that finds one
-- with room leaves its message to that one. A process that runs all the time has no row.
--
-- Not logged: nothing of it is worth keeping over a restart of Postgres.

create unlogged table dispatchers (
    id uuid primary key,
    alive_until timestamptz not null,
    room integer not null,

    constraint dispatchers_room_not_negative check (room >= 0)
);

comment on table dispatchers is 'Awake dispatchers of functions; one row per visit.';
comment on column dispatchers.alive_until is 'Renewed while it is awake; after this it counts as dead.';
comment on column dispatchers.room is 'How many more messages it can have in flight, as of its last beat.';
