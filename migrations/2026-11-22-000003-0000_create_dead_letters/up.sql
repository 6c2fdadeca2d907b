-- A message that failed for good, with the answer that made it so, until it is retried, deleted or expires.

create table dead_letters (
    id bigint generated always as identity primary key,
    message_id uuid not null unique references messages (id) on delete cascade,
    failed_at timestamptz not null default now(),
    response_status integer not null default 0,
    response_header jsonb,
    response_body bytea,
    error text
);
create index dead_letters_failed_at on dead_letters (failed_at, id);

comment on column dead_letters.response_status is 'Of the last attempt; 0 when there was no response.';
comment on column dead_letters.error is 'Why the last attempt failed, in words.';
