-- Tokens of the API by name, besides the deployment's own (QSTASH_TOKEN), which is in no table.
-- A revoked one stays, so that it can be seen who had access and until when.

create table api_tokens (
    id bigint generated always as identity primary key,
    name text not null,
    hash bytea not null,
    scope text not null,
    rate_limit integer,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,

    constraint api_tokens_hash_unique unique (hash),
    constraint api_tokens_hash_is_sha256 check (length(hash) = 32),
    constraint api_tokens_name_plain check (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    constraint api_tokens_scope_known check (scope in ('full', 'publish', 'read')),
    constraint api_tokens_rate_limit_positive check (rate_limit > 0)
);
create unique index api_tokens_one_live_per_name on api_tokens (name) where revoked_at is null;

comment on column api_tokens.hash is 'SHA-256 of the token''s text, which is kept nowhere.';
comment on column api_tokens.rate_limit is 'Requests per second and process that are not publishes; null means the deployment''s default.';
