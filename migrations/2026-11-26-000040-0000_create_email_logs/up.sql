-- What became of each e-mail, as the mail service tells it.

-- In the order in which an e-mail goes through them: a status only moves forward.
create type email_status as enum ('sent', 'delivered', 'failed', 'bounced', 'complained');

create table email_logs (
    id uuid primary key,
    email_id text not null unique,
    recipient text not null,
    template_type text,
    subject text,
    status email_status not null,
    provider text not null,
    metadata jsonb,
    sent_at timestamptz not null default now(),
    delivered_at timestamptz,
    failed_at timestamptz,
    error_message text,
    updated_at timestamptz not null default now()
);

create index email_logs_sent_at on email_logs (sent_at);

comment on column email_logs.email_id is 'The mail service''s id of it.';
comment on column email_logs.recipient is 'Everybody it was for, with a comma between them.';
comment on column email_logs.template_type is 'Null when the e-mail is known from the mail service only.';
comment on column email_logs.failed_at is 'When it was given up or came back.';
comment on column email_logs.error_message is 'Why, in the mail service''s words.';
