-- Three kinds of facts get a table each: what was published (messages), what is not delivered yet (pending_deliveries),
-- and what ended (attempts). A delivered message was three rows of the log and two updates of a wide row with eleven
-- index entries; now it is one row of each table and one update that touches no index.
--
-- Finished messages stay in the former table, which becomes a partition; the former log stays as past_events until
-- retention has removed its days. Dispatchers and publishers of the release before do not work on this schema: stop
-- them first. Readers wait only for the end of this, when the former table is checked and attached.

-- The release before writes nothing from here on; it still reads.
lock table messages, slots, dead_letters in share row exclusive mode;

-- UUIDv7 ids begin with the milliseconds since 1970, so a day of messages is a range of ids.
create function first_message_id(at timestamptz) returns uuid stable parallel safe language sql as $$
    select (lpad(to_hex(greatest(0, floor(extract(epoch from at) * 1000)::bigint)), 12, '0') || repeat('0', 20))::uuid
$$;
comment on function first_message_id is 'Less than every id that is made in this millisecond or later.';

-- Indexes use these two, so they call no function of ours: a restore knows no schema to find it in.
create function url_host(url text) returns text immutable strict parallel safe language sql as $$
    select lower(split_part(split_part(split_part(split_part(split_part(url, '/', 3), '?', 1), '#', 1), '@', -1), ':', 1))
$$;
create or replace function url_path(url text) returns text immutable strict parallel safe language sql as $$
    select case strpos(substr(split_part(split_part(url, '?', 1), '#', 1), 9), '/')
        when 0 then '/'
        else substr(split_part(split_part(url, '?', 1), '#', 1),
                    8 + strpos(substr(split_part(split_part(url, '?', 1), '#', 1), 9), '/'))
    end
$$;
comment on function url_host is 'The host in lower case, without its port. All IPv6 addresses have the same one.';

create type attempt_outcome as enum ('delivered', 'retried', 'failed', 'cancelled', 'given_back', 'lease_expired');

-- Fillfactor 50, and no index on what a claim changes: it is a HOT update, which writes no index entry.
create table pending_deliveries (
    id uuid primary key,
    due_at timestamptz not null,
    created_at timestamptz not null default now(),
    lease_token uuid,
    lease_until timestamptz,
    leased_at timestamptz,
    deliveries integer not null default 0,
    retried integer not null default 0,
    priority integer not null default 0,
    body_bytes integer not null,
    limits text[],
    blocked_by text,

    constraint pending_deliveries_blocked_by_own_limit
        check (blocked_by is null or lease_token is null and blocked_by = any(limits)),
    constraint pending_deliveries_lease_ends check ((lease_token is null) = (lease_until is null))
) with (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05
);

comment on table pending_deliveries is 'One row for each message that has not ended: the queue. Statements about a delivery name its lease token.';
comment on column pending_deliveries.id is 'Of the message.';
comment on column pending_deliveries.due_at is 'When the next attempt may start. A claim leaves it as it is.';
comment on column pending_deliveries.created_at is 'When the message was accepted: its place among those that are blocked by the same limit.';
comment on column pending_deliveries.lease_token is 'Held by the dispatcher that delivers the message. A write with another token changes nothing.';
comment on column pending_deliveries.lease_until is 'After this any dispatcher may claim the message again.';
comment on column pending_deliveries.leased_at is 'When the attempt in flight started.';
comment on column pending_deliveries.deliveries is 'Leases, including those that expired.';
comment on column pending_deliveries.retried is 'Failed attempts that were recorded: Upstash-Retried of the next one.';
comment on column pending_deliveries.priority is 'Among messages that are blocked by the same limit, higher ones start first.';
comment on column pending_deliveries.body_bytes is 'Size of the body: claims are bounded by bytes.';
comment on column pending_deliveries.limits is 'Ids of the queue and of the flow-control keys that apply, in this order. Null for most messages.';
comment on column pending_deliveries.blocked_by is 'The limit that blocks it. In a queue also before it is due: the head of a queue waits for its time.';

insert into pending_deliveries (
    id, due_at, created_at, lease_token, lease_until, deliveries, retried, priority, body_bytes, limits, blocked_by
)
select id, case when state = 'active' then least(not_before, now()) else coalesce(due_at, not_before) end, created_at,
       lease_token, case when state = 'active' then due_at end, deliveries, retried, priority, octet_length(body), gates,
       waits_for
from messages where due_at is not null or waits_for is not null;

create index pending_deliveries_due on pending_deliveries (due_at, id) where blocked_by is null;
create index pending_deliveries_retrying on pending_deliveries (due_at, id) where retried > 0;
create index pending_deliveries_blocked on pending_deliveries (blocked_by, priority desc, created_at, id)
    where blocked_by is not null;
create index pending_deliveries_limits on pending_deliveries using gin (limits) where limits is not null;

-- Partitioned as messages are: all attempts of a message are found in the partition of its day.
create table attempts (
    message_id uuid not null,
    number integer not null,
    retried integer not null,
    outcome attempt_outcome not null,
    started_at timestamptz,
    ended_at timestamptz not null default now(),
    response_status integer,
    response_header json,
    response_body bytea,
    error text,
    retry_at timestamptz
) partition by range (message_id);

create index attempts_message_id on attempts (message_id);
create index attempts_ended_at on attempts (ended_at);
create index attempts_started_at on attempts (started_at);
create index attempts_outcome on attempts (outcome, ended_at) where outcome <> 'delivered';
create table attempts_default partition of attempts default;

comment on table attempts is 'One row for each attempt that ended, and for a cancellation. The events of the API are derived from it.';
comment on column attempts.number is 'Position among the attempts of the message, from 1.';
comment on column attempts.retried is 'Failed attempts that were recorded before it.';
comment on column attempts.started_at is 'Null for a cancellation between attempts, and for attempts that an earlier release started.';
comment on column attempts.error is 'Why the attempt failed.';
comment on column attempts.retry_at is 'When the next attempt is due.';

-- The former log. Rows of messages that are still there are read by message, or by time.
alter table events rename to past_events;
alter table events_default rename to past_events_default;
alter index events_pkey rename to past_events_pkey;
alter index events_message_id rename to past_events_message_id;
drop index events_hashes, events_state;
alter table past_events drop column url_hash, drop column host_hash, drop column path_hash, drop column caller_hash;
do $$
declare
    name text;
    has_rows boolean;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'past_events'::regclass and c.relname ~ '^events_\d{8}$'
    loop
        execute format('select exists (select from %I)', name) into has_rows;
        if has_rows then
            execute format('alter table %I rename to %I', name, 'past_' || name);
        else
            execute format('drop table %I', name);
        end if;
    end loop;
end $$;

comment on table past_events is 'The log of releases before September: read until retention has dropped its days.';

drop function create_event_partitions(integer), drop_event_partitions(timestamptz);

-- What the former table had of the delivery is in the other two now.
drop function admit(text[], uuid, double precision, integer);
drop function claim_blocked(text[], uuid, double precision, integer);
drop function claim_blocked(text[], uuid, double precision, integer, integer, bigint);
drop function cancel_messages(uuid[], boolean);
drop view held_slots;
alter table slots drop constraint slots_message_id_fkey;
alter table dead_letters drop constraint dead_letters_message_id_fkey;
drop trigger gates_in_use on gates;
drop function refuse_to_delete_a_gate_in_use();

-- Searched for what every message has: a BRIN index costs an insert nothing until a vacuum has summarized its pages.
create index messages_created_at on messages (created_at);
create index messages_search on messages using brin (
    url text_bloom_ops, url_host(url) text_bloom_ops, url_path(url) text_bloom_ops, caller_ip text_bloom_ops
) with (pages_per_range = 8);

alter table messages
    drop column state, drop column due_at, drop column lease_token, drop column deliveries, drop column retried,
    drop column finished_at, drop column waits_for,
    alter column labels drop not null;

alter table messages rename to past_messages;
alter index messages_pkey rename to past_messages_pkey;
alter index messages_created_at rename to past_messages_created_at;
alter index messages_search rename to past_messages_search;
alter index messages_topic_name rename to past_messages_topic_name;
alter index messages_schedule_id rename to past_messages_schedule_id;
alter index messages_gates rename to past_messages_gates;
alter index messages_labels rename to past_messages_labels;

create table messages (like past_messages including defaults including comments) partition by range (id);
alter table messages add primary key (id);
create index messages_created_at on messages (created_at);
create index messages_search on messages using brin (
    url text_bloom_ops, url_host(url) text_bloom_ops, url_path(url) text_bloom_ops, caller_ip text_bloom_ops
) with (pages_per_range = 8);
create index messages_topic_name on messages (topic_name) where topic_name is not null;
create index messages_schedule_id on messages (schedule_id) where schedule_id is not null;
create index messages_gates on messages using gin (gates) where gates is not null;
create index messages_labels on messages using gin (labels) where labels <> '{}';
create table messages_default partition of messages default;

comment on table messages is 'What was published. A delivery never changes it. Ids are UUIDv7, so the primary key is also the order of publishing.';

-- Makes the partitions of today and of the next days. Returns how many were made. A day whose rows are in a default
-- partition already, or that another partition covers, gets none.
create function create_day_partitions(days_ahead integer) returns integer language plpgsql as $$
declare
    day date;
    parent text;
    name text;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('create_day_partitions'));
    for day in select generate_series(0, days_ahead) + (now() at time zone 'utc')::date loop
        begin
            -- Both or none: they are dropped together.
            foreach parent in array array['attempts', 'messages'] loop
                name := parent || '_' || to_char(day, 'YYYYMMDD');
                continue when to_regclass(name) is not null;
                -- Made apart and attached: that takes a weaker lock on the parent than "partition of".
                execute format('create table %I (like %I including defaults) with (autovacuum_vacuum_insert_scale_factor = 0.1)', name, parent);
                execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name,
                    first_message_id(day::timestamp at time zone 'utc'), first_message_id((day + 1)::timestamp at time zone 'utc'));
                made := made + 1;
            end loop;
        exception when check_violation or invalid_object_definition then
            null;
        end;
    end loop;
    return made;
end $$;

do $$
declare
    until uuid := first_message_id(date_trunc('day', now(), 'utc') + interval '1 day');
begin
    if not exists (select from past_messages) then
        drop table past_messages;
    else
        -- Of clocks that are ahead.
        with early as (delete from past_messages where id >= until returning *)
        insert into messages_default select * from early;
        -- Checked here, so that it is not checked again.
        execute format('alter table past_messages add constraint past_messages_ids check (id < %L)', until);
        execute format('alter table messages attach partition past_messages for values from (minvalue) to (%L)', until);
        execute format('create table past_attempts partition of attempts for values from (minvalue) to (%L)', until);
    end if;
end $$;

select create_day_partitions(7);

-- A slot counts while its message can use it: that of a queue until the message ends, that of a key during an attempt.
create view held_slots as
    select s.gate, s.message_id, s.family
    from slots s join pending_deliveries p on p.id = s.message_id
    where s.gate like 'queue:%' or p.lease_token is not null;

comment on view held_slots is 'The slots that count against a limit.';

create function refuse_to_delete_a_limit_in_use() returns trigger language plpgsql as $$
begin
    if exists (select from pending_deliveries where limits @> array[old.id] and limits is not null) then
        raise exception 'limit % has pending messages', old.id using errcode = 'foreign_key_violation';
    end if;
    return old;
end $$;
create trigger limits_in_use before delete on gates for each row execute function refuse_to_delete_a_limit_in_use();

-- Messages with the state of their delivery.
create view message_states as
    select m.*,
           case when p.id is null then coalesce(ended.state, past.state)
                when p.lease_token is null then 'pending' else 'active' end::message_state as state,
           p.due_at, p.blocked_by, p.lease_token, p.lease_until,
           coalesce(p.deliveries, ended.number, 0) as deliveries,
           coalesce(p.retried, ended.retried, past.retried, 0) as retried,
           coalesce(ended.ended_at, past.at) as finished_at
    from messages m
    left join pending_deliveries p on p.id = m.id
    left join lateral (
        select a.number, a.retried, a.ended_at, a.outcome::text as state
        from attempts a
        where p.id is null and a.message_id = m.id and a.outcome in ('delivered', 'failed', 'cancelled')
        -- Not the column itself: the planner might walk over the index of all ends.
        order by a.ended_at + interval '0' desc limit 1
    ) ended on true
    left join lateral (
        select max(e.at) filter (where e.state in ('DELIVERED', 'FAILED', 'CANCELED')) as at,
               (count(*) filter (where e.state = 'RETRY'))::integer as retried,
               case max(e.state) filter (where e.state in ('DELIVERED', 'FAILED', 'CANCELED'))
                   when 'DELIVERED' then 'delivered' when 'CANCELED' then 'cancelled' else 'failed' end as state
        from past_events e
        where p.id is null and ended.state is null and e.message_id = m.id
    ) past on true;

comment on view message_states is 'Messages with the state of their delivery: for one message or a few.';

-- Claims are made in this order, so deliveries in flight are among these, however long the backlog behind them is.
create view earliest_due as
    select id, leased_at, lease_until from pending_deliveries
    where blocked_by is null and due_at <= now()
    order by due_at, id limit 20000;

comment on view earliest_due is 'Messages that were due first; those in flight are among them.';

-- What a dispatcher needs of a message.
create view message_contents as
    select m.id, m.url, m.method, m.header::text as header, m.body, m.retries, m.timeout_ms, m.retry_delay,
           m.callback::text as callback, m.failure_callback::text as failure_callback, m.labels, m.caller_ip, m.callback_of,
           floor(extract(epoch from m.created_at) * 1000)::bigint as created_at_ms,
           floor(extract(epoch from m.not_before) * 1000)::bigint as not_before_ms,
           case when m.gates is not null or m.callback_of is not null or m.topic_name is not null
                     or m.schedule_id is not null or m.redact is not null then
               json_strip_nulls(json_build_object(
                   'queue_name', m.queue_name, 'flow_control', m.flow_control, 'priority', m.priority, 'redact', m.redact,
                   'topic_name', m.topic_name, 'endpoint_name', m.endpoint_name, 'schedule_id', m.schedule_id,
                   'keeps_waiting', (select substr(s.gate, length('queue:') + 1) from slots s
                                     where m.callback_of is not null and s.message_id = m.id and s.family = m.callback_of
                                       and s.gate like 'queue:%')
               ))::text
           end as rare
    from messages m;

comment on view message_contents is 'Messages as a claim returns them. "rare" has what few messages have, as JSON.';

-- Identifies an event among those of its millisecond: the microseconds in it, the step, and the end of the message's id.
-- Numbers in past_events are smaller.
create function event_id(at timestamptz, step bigint, message_id uuid) returns bigint stable parallel safe language sql as $$
    select (1::bigint << 62) | ((extract(epoch from at) * 1000000)::bigint % 1000) << 51 | step << 48
        | ('x' || right(message_id::text, 12))::bit(48)::bigint
$$;

-- The events of the API. At the same moment they are in the order of their steps: 0 accepted, 1 started, 2 ended, 3 what
-- follows from the end, 4 the accept of a callback, which is in the same transaction; rows of past_events are the last.
create view events as
    select m.created_at as at, event_id(m.created_at, first.step, m.id) as id, first.step, m.id as message_id,
           'CREATED'::event_state as state, null::integer as response_status, null::json as response_header,
           null::bytea as response_body, null::text as error, null::timestamptz as next_delivery_at
    from messages m, lateral (select (case when m.callback_of is null then 0 else 4 end)::bigint as step) first
    union all
    select a.started_at, event_id(a.started_at, 1, a.message_id), 1, a.message_id, 'ACTIVE', null, null, null, null, null
    from attempts a where a.started_at is not null
    union all
    select p.leased_at, event_id(p.leased_at, 1, p.id), 1, p.id, 'ACTIVE', null, null, null, null, null
    from pending_deliveries p where p.leased_at is not null
    union all
    select a.ended_at, event_id(a.ended_at, 2, a.message_id), 2, a.message_id,
           case a.outcome when 'delivered' then 'DELIVERED' when 'cancelled' then 'CANCEL_REQUESTED' else 'ERROR' end::event_state,
           a.response_status, a.response_header, a.response_body, a.error, null
    from attempts a where a.outcome in ('delivered', 'retried', 'failed', 'cancelled')
    union all
    select a.ended_at, event_id(a.ended_at, 3, a.message_id), 3, a.message_id,
           case a.outcome when 'retried' then 'RETRY' else 'FAILED' end::event_state, null, null, null, a.error, a.retry_at
    from attempts a where a.outcome in ('retried', 'failed')
    union all
    -- A millisecond apart: cursors are times in milliseconds, and the official clients ask for what is later.
    select a.ended_at + interval '1 millisecond', event_id(a.ended_at + interval '1 millisecond', 3, a.message_id), 3,
           a.message_id, 'CANCELED', null, null, null, null, null
    from attempts a where a.outcome = 'cancelled'
    union all
    select e.at, e.id, e.id + 8, e.message_id, e.state, e.response_status, e.response_header, e.response_body, e.error,
           e.next_delivery_at
    from past_events e where e.state <> 'CREATED';

comment on view events is 'What happened to messages, derived from messages, pending_deliveries, attempts and past_events.';

-- Cancels the pending ones of these messages, and frees their slots. Returns each with whether it was cancelled and
-- the limits that it freed, and notifies the dispatchers. What another transaction has locked is waited for, or left
-- pending.
--
-- Three statements, each of which sees what was committed before it began: a message that was claimed a moment ago
-- has its slots by the time its row is locked, and one statement would miss them.
create function cancel_messages(wanted uuid[], wait boolean)
returns table (message_id uuid, cancelled boolean, freed text[]) language plpgsql as $$
declare
    locked uuid[];
    pending uuid[];
begin
    pending := array(select p.id from pending_deliveries p where p.id = any(wanted) order by p.id);
    if wait then
        locked := array(select p.id from pending_deliveries p where p.id = any(pending) order by p.id for update);
    else
        locked := array(select p.id from pending_deliveries p where p.id = any(pending) for update skip locked);
    end if;
    with gone as (
        delete from pending_deliveries p where p.id = any(locked)
        returning p.id, p.deliveries, p.retried, p.leased_at
    )
    insert into attempts (message_id, number, retried, outcome, started_at)
    select g.id, g.deliveries, g.retried, 'cancelled', g.leased_at from gone g order by g.id;
    if locked <> '{}' then
        perform pg_notify('sigpost', 'cancelled');
    end if;
    return query
        with given_back as (delete from slots s where s.message_id = any(locked) returning s.message_id as id, s.gate)
        select o.id, o.id = any(locked), array(select g.gate from given_back g where g.id = o.id)
        from unnest(pending) as o(id);
end $$;

comment on function cancel_messages is 'Cancels pending messages, and says which limits that frees.';

-- Claims messages that are blocked by these limits, as far as all of their limits have room. A row is one of:
-- a claimed message; a limit and the seconds until it has to be tried again (the end of its period, or of another
-- transaction that works on a limit of the same message); seconds alone, until a message is due that entered its
-- queue before its time. An endless time stands for a limit whose next message is large and has no room: what bodies have
-- more than small_bytes is most_bytes together at most. The first exceeds it, unless most_bytes is 0.
--
-- Locks make the limits hold. The limits asked for are locked in the order of their ids, before any message; every
-- other lock is taken only if it is free. So calls never wait for each other in a circle. Every statement in here
-- sees what was committed before it began, so what is counted under a lock is all there is.
create function claim_blocked(
    wanted text[], token uuid, lease_s double precision, most integer, small_bytes integer, most_bytes bigint
)
returns table (content message_contents, deliveries integer, retried integer, limit_id text, wake_in_s double precision)
language plpgsql as $$
declare
    -- A period that has not ended by now has no room, or is found to have ended: either way it is tried again.
    began constant timestamptz := clock_timestamp();
    -- When to try again where another transaction holds a limit.
    contended_s constant double precision := 0.01;
    gate gates;
    gate_id text;
    other_id text;
    other gates;
    candidates uuid[];
    candidate pending_deliveries;
    candidate_id uuid;
    closed text;
    -- Limits with a rate: those that are asked for, and those where a message is blocked now.
    rated text[] := '{}';
    room integer;
    starts integer;
    moved boolean;
    claimed integer := 0;
    large bigint;
    claimed_bytes bigint := 0;
    has_room boolean;
begin
    perform 1 from gates where id = any(wanted) order by id for no key update;

    foreach gate_id in array array(select id from gates where id = any(wanted) and not paused order by id) loop
        select * into gate from gates where id = gate_id;
        room := gate_room(gate);
        starts := 0;
        has_room := true;
        if gate.rate is not null then
            rated := rated || gate_id;
        end if;
        -- A message that has a slot of its queue needs no room: its next attempt is due, or it entered before its time.
        candidates := array(
            select p.id from slots s join pending_deliveries p on p.id = s.message_id
            where gate.kind = 'queue' and s.gate = gate_id and p.blocked_by = gate_id
        );
        loop
            if candidates = '{}' then
                candidates := array(
                    select p.id from pending_deliveries p where p.blocked_by = gate_id
                    order by p.priority desc, p.created_at, p.id limit greatest(0, least(room - starts, most - claimed))
                );
            end if;
            moved := false;
            foreach candidate_id in array candidates loop
                exit when claimed >= most;
                select * into candidate from pending_deliveries p
                where p.id = candidate_id and p.blocked_by = gate_id for update skip locked;
                if not found then
                    -- Gone, or locked: by a cancellation, or by a claim that saw the message as it was before.
                    if exists (select from pending_deliveries p where p.id = candidate_id and p.blocked_by = gate_id) then
                        content := null;
                        limit_id := gate_id;
                        wake_in_s := contended_s;
                        return next;
                    end if;
                    continue;
                end if;

                large := greatest(0, candidate.body_bytes - small_bytes);
                has_room := large = 0 or candidate.due_at > clock_timestamp()
                    or most_bytes > 0 and claimed_bytes + large <= greatest(most_bytes, large);
                if not has_room then
                    content := null;
                    limit_id := gate_id;
                    wake_in_s := 'infinity';
                    return next;
                    exit;
                end if;

                if gate.kind = 'queue' then
                    insert into slots (gate, message_id, family) values (gate_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if found then
                        room := room - 1;
                    end if;
                    -- Also a callback, whose slot is there from its acceptance.
                    if candidate.due_at > clock_timestamp() then
                        update pending_deliveries p set blocked_by = null where p.id = candidate_id;
                        moved := true;
                        content := null;
                        limit_id := null;
                        wake_in_s := extract(epoch from candidate.due_at - clock_timestamp());
                        return next;
                        continue;
                    end if;
                end if;

                -- Its other limits must have room as well. Where one has none, the message is blocked there.
                closed := null;
                foreach other_id in array array_remove(candidate.limits, gate_id) loop
                    select * into other from gates where id = other_id for no key update skip locked;
                    if not found then
                        -- Locked, unless it was deleted.
                        continue when not exists (select from gates where id = other_id);
                        closed := gate_id;
                    elsif other.paused or other.kind = 'flow_control' and gate_room(other) = 0 then
                        closed := other_id;
                    end if;
                    exit when closed is not null;
                end loop;
                if closed = gate_id then
                    content := null;
                    limit_id := gate_id;
                    wake_in_s := contended_s;
                    return next;
                    continue;
                end if;
                moved := true;
                if closed is not null then
                    update pending_deliveries p set blocked_by = closed where p.id = candidate_id;
                    if other.rate is not null then
                        rated := rated || closed;
                    end if;
                    continue;
                end if;

                -- Before it is counted: so no period begins before its first start.
                update pending_deliveries p set
                    blocked_by = null, lease_token = token, leased_at = clock_timestamp(),
                    lease_until = clock_timestamp() + make_interval(secs => lease_s), deliveries = p.deliveries + 1
                where p.id = candidate_id
                returning p.deliveries, p.retried into deliveries, retried;
                foreach other_id in array candidate.limits loop
                    continue when other_id not like 'flow:%' or not exists (select from gates where id = other_id);
                    insert into slots (gate, message_id, family) values (other_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if other_id = gate_id then
                        starts := starts + 1;
                    else
                        perform count_starts(other_id, 1);
                    end if;
                end loop;
                claimed := claimed + 1;
                claimed_bytes := claimed_bytes + large;
                -- Here, not in the statement that calls this: its view of the tables is older.
                select * into content from message_contents m where m.id = candidate_id;
                limit_id := null;
                wake_in_s := null;
                return next;
            end loop;
            exit when not has_room or not moved or claimed >= most or room <= starts;
            candidates := '{}';
        end loop;
        if starts > 0 then
            perform count_starts(gate_id, starts);
        end if;
    end loop;

    -- Messages that are left blocked by a rate alone are woken only by the end of the period. The query for one of them
    -- has an order so that it reads the index: without it the planner expects to find one early in the table.
    if rated = '{}' then
        return;
    end if;
    content := null;
    for limit_id, wake_in_s in
        select g.id, extract(epoch from g.period_start + make_interval(secs => g.period_s) - clock_timestamp())
        from gates g
        where g.id = any(rated) and not g.paused and g.period_count >= g.rate
          and g.period_start + make_interval(secs => g.period_s) > began
          and (select p.id from pending_deliveries p where p.blocked_by = g.id
               order by p.priority desc, p.created_at, p.id limit 1) is not null
    loop
        return next;
    end loop;
end $$;

comment on function claim_blocked is 'Leases blocked messages within all of their limits, and says when to try again.';

-- Pending messages and dead letters, ten thousand of each kind at most.
create or replace function measure_queue()
returns table (due bigint, scheduled bigint, active bigint, waiting bigint, oldest_due_s double precision, dead_letters bigint)
stable language sql as $$
    select
        (select count(*) from (
            select from pending_deliveries where blocked_by is null and due_at <= now()
                and (lease_until is null or lease_until <= now()) limit 10000) few),
        (select count(*) from (select from pending_deliveries where blocked_by is null and due_at > now() limit 10000) few),
        (select count(*) from earliest_due where lease_until > now()),
        (select count(*) from (select from pending_deliveries where blocked_by is not null limit 10000) few),
        (select extract(epoch from now() - min(since))::double precision from (
            select coalesce(lease_until, due_at) as since from pending_deliveries
            where blocked_by is null and due_at <= now() and (lease_until is null or lease_until <= now())
            order by due_at, id limit 10000) first),
        (select count(*) from (select from dead_letters limit 10000) few)
$$;

comment on column messages.gates is 'The limits that apply to it: its queue, then its flow-control keys. Null for most messages.';

-- Drops the oldest day of messages and attempts that was over at this time. Messages that are pending, or that ended
-- later, are moved to the default partitions with their attempts. Returns how many messages and dead letters went; no row
-- when there is no such day.
create function drop_oldest_day(before timestamptz) returns table (messages bigint, dead_letters bigint) language plpgsql as $$
declare
    day text;
    first_id uuid;
    end_id uuid;
    kept uuid[];
begin
    -- Dropping waits for every reader, and then every writer waits for the drop: after a while it fails, and is tried at
    -- the next cleanup, so that deliveries do not stop behind a long report.
    perform set_config('lock_timeout', '2s', true);
    select substr(c.relname, length('messages_') + 1) into day
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'messages'::regclass and c.relname ~ '^messages_\d{8}$'
      and (to_date(substr(c.relname, length('messages_') + 1), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' <= before
    order by 1 limit 1;
    if day is null then
        return;
    end if;
    first_id := first_message_id(to_date(day, 'YYYYMMDD')::timestamp at time zone 'utc');
    end_id := first_message_id((to_date(day, 'YYYYMMDD') + 1)::timestamp at time zone 'utc');
    -- None of the others can be delivered any more: what is not kept now needs not be kept later.
    execute format(
        'select array(
            select p.id from pending_deliveries p where p.id >= %L and p.id < %L
            union
            select a.message_id from %I a where a.ended_at >= %L
         )', first_id, end_id, 'attempts_' || day, before) into kept;
    execute format('select count(*) from %I', 'messages_' || day) into messages;

    -- From here on readers and writers wait.
    execute format('alter table messages detach partition %I', 'messages_' || day);
    execute format('alter table attempts detach partition %I', 'attempts_' || day);
    execute format('insert into messages select * from %I where id = any($1)', 'messages_' || day) using kept;
    execute format('insert into attempts select * from %I where message_id = any($1)', 'attempts_' || day) using kept;
    execute format('drop table %I, %I', 'messages_' || day, 'attempts_' || day);
    messages := messages - cardinality(kept);
    with gone as (
        delete from dead_letters d
        where d.message_id >= first_id and d.message_id < end_id and d.message_id <> all(kept) returning d.id
    )
    select count(*) into dead_letters from gone;
    return next;
end $$;

-- Drops the days of past_events that were over at this time. Returns how many.
create function drop_past_events(before timestamptz) returns integer language plpgsql as $$
declare
    name text;
    dropped integer := 0;
begin
    perform set_config('lock_timeout', '2s', true);
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'past_events'::regclass and c.relname ~ '^past_events_\d{8}$'
          and (to_date(substr(c.relname, length('past_events_') + 1), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' <= before
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;
