-- Schedules may be mirrored to EventBridge Scheduler, which then says when they fire. The row stays the truth.

alter table schedules
    add column fires_from timestamptz not null default now(),
    add column mirrored_at timestamptz;

comment on column schedules.fires_from is 'When it was created, resumed or given its expression: a firing for an earlier time belongs to what it was before.';
comment on column schedules.mirrored_at is 'When EventBridge Scheduler was last known to hold it as it is here; null from any change until then.';
