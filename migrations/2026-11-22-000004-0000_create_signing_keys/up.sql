-- The two keys of the deployment. Deliveries are signed with "current"; receivers accept either.

create table signing_keys (
    only_row boolean primary key default true,
    current text not null,
    next text not null,
    rotated_at timestamptz not null default now(),
    constraint signing_keys_one_row check (only_row),
    constraint signing_keys_differ check (current <> next)
);
