-- What jobs did to others, who may do what only one may do at a time, and what belongs together.

create table effects (
    message_id text not null,
    name text not null,
    message uuid,
    run_id uuid not null,
    result jsonb not null,
    created_at timestamptz not null default now(),

    primary key (message_id, name)
);

create index effects_created_at on effects (created_at);

comment on table effects is 'Effects on others that succeeded (ctx.once): a repeated run takes the result from here. A row goes with its message.';
comment on column effects.message_id is 'As on the wire (msg_...): a handler may serve deliveries of another dispatcher.';
comment on column effects.message is 'The same message in messages, if it is one of ours.';
comment on column effects.run_id is 'The run that did it.';

create table locks (
    name text primary key,
    fence bigint not null,
    holder uuid,
    lease_until timestamptz,

    constraint locks_leased_while_held check ((holder is null) = (lease_until is null)),
    constraint locks_fence_positive check (fence > 0)
);

create index locks_holder on locks (holder) where holder is not null;

comment on table locks is 'Named locks of runs (ctx.lock). Rows stay: a fence must never start again.';
comment on column locks.fence is 'Grows with each holder: who writes elsewhere with a lower number is late.';
comment on column locks.holder is 'The run. Its heartbeat prolongs the lease, its end gives the lock back.';

alter table job_executions add column correlation_id text;

comment on column job_executions.correlation_id is 'What belongs together: a publish, its run and its follow-up jobs. The first message''s id unless the publish said otherwise.';
