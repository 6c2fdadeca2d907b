-- How many messages were open when: one row a minute, however many processes there are to write it.

create table queue_samples (
    at timestamptz primary key,
    due bigint not null,
    scheduled bigint not null,
    active bigint not null,
    waiting bigint not null,
    oldest_due_s double precision,
    dead_letters bigint not null
);

comment on table queue_samples is 'What measure_queue() said in a minute. A minute without a row is one in which nobody looked.';
comment on column queue_samples.at is 'The minute.';

-- Open messages and dead letters, ten thousand of each kind at most.
create function measure_queue()
returns table (due bigint, scheduled bigint, active bigint, waiting bigint, oldest_due_s double precision, dead_letters bigint)
stable language sql as $$
    select
        (select count(*) from (select from messages where due_at <= now() limit 10000) few),
        (select count(*) from (select from messages where due_at > now() and state = 'pending' limit 10000) few),
        (select count(*) from (select from messages where due_at > now() and state = 'active' limit 10000) few),
        (select count(*) from (select from messages where waits_for is not null limit 10000) few),
        (select extract(epoch from now() - min(due_at))::double precision from messages where due_at <= now()),
        (select count(*) from (select from dead_letters limit 10000) few)
$$;

-- Writes this minute's row unless it is there. Returns whether messages are open, as the newest row says.
-- Of several at once one does it, and nobody waits for it; a table that somebody has locked is left alone, so that
-- no look for what is due fails for the sake of a sample. Samples are kept for as long as the longest window
-- somebody may ask for, and a day.
create function sample_queue() returns boolean language plpgsql as $$
declare
    minute timestamptz := date_trunc('minute', now(), 'utc');
begin
    if not exists (select from queue_samples s where s.at = minute)
       and pg_try_advisory_xact_lock(hashtext('sample_queue')) then
        insert into queue_samples select minute, q.* from measure_queue() q on conflict do nothing;
        delete from queue_samples s where s.at < minute - interval '8 days';
    end if;
    return coalesce(
        (select s.due + s.scheduled + s.active + s.waiting > 0 from queue_samples s order by s.at desc limit 1), true);
exception when lock_not_available then
    return true;
end $$;
