-- What Stripe's events are about. The application writes a customer when it makes one at Stripe, and
-- process-stripe-webhook keeps its subscription.

create table stripe_customers (
    id text primary key,
    organization_id text not null,
    owner_id text not null,
    owner_email text not null,
    owner_name text,
    subscription_id text,
    product_id text,
    plan_name text,
    subscription_status text,
    subscription_event_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index stripe_customers_organization_id on stripe_customers (organization_id);

create table stripe_subscriptions (
    id text primary key,
    customer_id text not null,
    status text not null,
    deleted boolean not null default false,
    event_id text not null,
    event_at timestamptz not null
);

create table stripe_events (
    id text primary key,
    kind text not null,
    at timestamptz not null,
    message_id text not null,
    processed_at timestamptz not null default now()
);

create index stripe_events_processed_at on stripe_events (processed_at);

create table activity_logs (
    id uuid primary key,
    organization_id text not null,
    user_id text not null,
    action text not null,
    ip_address text,
    created_at timestamptz not null
);

create index activity_logs_organization_created on activity_logs (organization_id, created_at desc);

comment on table stripe_customers is 'Who is behind a customer of Stripe (cus_...): written by the application, but for the columns of the subscription.';
comment on column stripe_customers.owner_id is 'The user who is told, and whose address the e-mails go to.';
comment on column stripe_customers.subscription_event_at is 'The time of the event that wrote the subscription''s columns.';
comment on table stripe_subscriptions is 'How far each subscription has come: an event that is older changes nothing.';
comment on column stripe_subscriptions.deleted is 'Stripe has ended it for good: no event comes after that.';
comment on table stripe_events is 'Events that were processed, in the transaction of what they led to: each once.';
comment on column stripe_events.at is 'When it happened at Stripe, to the second.';
comment on column activity_logs.created_at is 'When it happened.';
