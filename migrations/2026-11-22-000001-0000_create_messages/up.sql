-- What was accepted, and where it is on its way. The row is the queue: a dispatcher leases it,
-- pushes it, and records what came of it, fenced by the token of its lease.

create type message_state as enum ('pending', 'active', 'delivered', 'failed', 'cancelled');

create table messages (
    id uuid primary key,
    state message_state not null,
    due_at timestamptz,
    lease_token uuid,
    deliveries integer not null default 0,
    retried integer not null default 0,
    url text not null,
    method text not null,
    header jsonb not null,
    body bytea not null,
    retries integer not null,
    timeout_ms bigint,
    retry_delay text,
    callback jsonb,
    failure_callback jsonb,
    labels text[] not null,
    caller_ip text,
    callback_of uuid,
    not_before timestamptz not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,

    constraint messages_due_while_open check ((due_at is not null) = (state in ('pending', 'active'))),
    constraint messages_leased_while_active check ((lease_token is not null) = (state = 'active')),
    constraint messages_finished_when_closed check ((finished_at is null) = (state in ('pending', 'active'))),
    constraint messages_counts_not_negative check (deliveries >= 0 and retried >= 0 and retries >= 0)
) with (
    -- Each message is updated once or twice and then rests: look often, so that the due index stays small.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05
);

-- One index serves the claim of what is due, the search for expired leases and the next wake-up.
create index messages_due on messages (due_at, id) where due_at is not null;

comment on table messages is 'What was accepted. Ids are UUIDv7, so the primary key is also the order of acceptance and the handle of retention.';
comment on column messages.due_at is 'When a dispatcher may take it: the time of the next attempt while pending, the end of the lease while active, null once finished.';
comment on column messages.lease_token is 'Who holds the lease. Every write about a delivery names it; a write with another token changes nothing.';
comment on column messages.deliveries is 'Leases taken, also those that were lost.';
comment on column messages.retried is 'Failed attempts that were recorded; what the destination sees as Upstash-Retried.';
comment on column messages.header is 'What the destination receives: Content-Type and forwarded headers, {"Name": ["value"]}.';
comment on column messages.retries is 'Attempts allowed after the first.';
comment on column messages.timeout_ms is 'Bound of one attempt in milliseconds; null means the deployment''s longest.';
comment on column messages.retry_delay is 'The sender''s expression for the delay of a retry, verbatim; null means the built-in backoff.';
comment on column messages.callback is 'Where to report every attempt: {"url", "options"}.';
comment on column messages.failure_callback is 'Where to report the final failure: {"url", "options"}.';
comment on column messages.callback_of is 'For a callback, the message it reports on.';
comment on column messages.not_before is 'The earliest first delivery: creation plus delay.';

create table deduplications (
    key text primary key,
    message_id uuid not null,
    expires_at timestamptz not null
);
create index deduplications_expires_at on deduplications (expires_at);

comment on table deduplications is 'A publish with a key that is here and not expired answers with the earlier message.';
