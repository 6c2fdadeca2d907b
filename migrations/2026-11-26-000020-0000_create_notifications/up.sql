-- What users are told inside the product.

create type notification_priority as enum ('critical', 'important', 'info');

create table notifications (
    id uuid primary key,
    message_id text not null,
    user_id text not null,
    kind text not null,
    category text not null,
    priority notification_priority not null,
    title text not null,
    message text not null,
    metadata jsonb,
    expires_at timestamptz,
    read_at timestamptz,
    created_at timestamptz not null default now(),

    constraint notifications_once_per_message_and_user unique (message_id, user_id)
);

create index idx_notifications_user_created on notifications (user_id, created_at desc);
create index idx_notifications_user_unread on notifications (user_id) where read_at is null;
create index idx_notifications_expires on notifications (expires_at) where expires_at is not null;

comment on table notifications is 'Written by create-notification. A job that is run again finds its rows here and writes none.';
comment on column notifications.message_id is 'Of the job, as on the wire (msg_...).';
comment on column notifications.kind is 'What happened: category, a dot, and what, e.g. billing.payment_failed.';
comment on column notifications.expires_at is 'From when on nobody needs to see it; null means never.';
