-- URL groups: names that stand for several destinations. A group is always read and written whole,
-- so it is one row, and the order of its endpoints is that of the array.

create table url_groups (
    name text primary key,
    endpoints json not null,
    headers json not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint url_groups_name_plain check (name ~ '^[A-Za-z0-9._-]+$' and length(name) <= 256),
    constraint url_groups_never_empty check (json_array_length(endpoints) > 0)
);

comment on column url_groups.endpoints is '[{"url", "name"}] in the order they were added; the name may be missing.';
comment on column url_groups.headers is 'Parameters that every publish to the group begins with: {"Upstash-Retries": ["3"]}.';
