-- Dispatchers and publishers have to be stopped, as for the way up.
lock table messages, pending_deliveries, attempts, slots, dead_letters in share row exclusive mode;

drop function claim_blocked, cancel_messages, create_day_partitions, drop_oldest_day, drop_past_events;
drop trigger limits_in_use on gates;
drop function refuse_to_delete_a_limit_in_use;
drop view held_slots;

alter table messages rename to split_messages;
alter index messages_pkey rename to split_messages_pkey;
drop index messages_created_at, messages_search, messages_topic_name, messages_schedule_id, messages_gates, messages_labels;

create table messages (
    id uuid primary key,
    state message_state not null,
    due_at timestamptz,
    lease_token uuid,
    deliveries integer not null default 0,
    retried integer not null default 0,
    url text not null,
    method text not null,
    header json not null,
    body bytea not null,
    retries integer not null,
    timeout_ms bigint,
    retry_delay text,
    callback json,
    failure_callback json,
    labels text[] not null,
    caller_ip text,
    callback_of uuid,
    not_before timestamptz not null,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    priority integer not null default 0,
    gates text[],
    waits_for text references gates (id),
    queue_name text,
    flow_control json,
    topic_name text,
    endpoint_name text,
    schedule_id text,
    redact text,

    constraint messages_due_while_open
        check ((due_at is not null) = (state in ('pending', 'active') and waits_for is null)),
    constraint messages_leased_while_active check ((lease_token is not null) = (state = 'active')),
    constraint messages_finished_when_closed check ((finished_at is null) = (state in ('pending', 'active'))),
    constraint messages_counts_not_negative check (deliveries >= 0 and retried >= 0 and retries >= 0),
    constraint messages_wait_while_pending check (waits_for is null or state = 'pending'),
    constraint messages_wait_at_a_gate_of_theirs check (waits_for is null or waits_for = any(gates))
) with (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.05
);

insert into messages
select id, coalesce(state, 'delivered'), case when blocked_by is null then coalesce(lease_until, due_at) end, lease_token, deliveries,
       retried, url, method, header, body, retries, timeout_ms, retry_delay, callback, failure_callback,
       coalesce(labels, '{}'), caller_ip, callback_of, not_before, created_at,
       case when due_at is null then coalesce(finished_at, created_at) end, priority, gates, blocked_by, queue_name,
       flow_control, topic_name, endpoint_name, schedule_id, redact
from message_states;

create index messages_due on messages (due_at, id) where due_at is not null;
create index messages_waiting on messages (waits_for, priority desc, created_at, id) where waits_for is not null;
create index messages_open_by_gate on messages using gin (gates) where gates is not null and finished_at is null;
create index messages_topic_name on messages (topic_name) where topic_name is not null;
create index messages_schedule_id on messages (schedule_id) where schedule_id is not null;
create index messages_gates on messages using gin (gates) where gates is not null;
create index messages_labels on messages using gin (labels) where labels <> '{}';

-- The log is written again, with numbers in the order of time.
create table former_events (
    at timestamptz not null default now(),
    id bigint not null default nextval('events_id_seq'),
    message_id uuid not null,
    state event_state not null,
    response_status integer,
    response_header json,
    response_body bytea,
    error text,
    next_delivery_at timestamptz,
    url_hash integer,
    host_hash integer,
    path_hash integer,
    caller_hash integer
) partition by range (at);
create table former_events_default partition of former_events default;

create or replace function pg_temp.hash_of(value text) returns integer immutable strict language sql as $$
    select ('x' || left(encode(sha256(convert_to(value, 'UTF8')), 'hex'), 8))::bit(32)::integer
$$;
insert into former_events
select e.at, nextval('events_id_seq'), e.message_id, e.state, e.response_status, e.response_header, e.response_body, e.error,
       e.next_delivery_at, pg_temp.hash_of(m.url), pg_temp.hash_of(split_part(url_authority(m.url), ':', 1)),
       pg_temp.hash_of(url_path(m.url)), pg_temp.hash_of(m.caller_ip)
from (select * from events order by at, step, message_id) e
left join messages m on m.id = e.message_id and e.state = 'CREATED';

alter sequence events_id_seq owned by former_events.id;
drop view events, message_states, message_contents, earliest_due;
drop function event_id(timestamptz, bigint, uuid);
drop table split_messages, attempts, pending_deliveries, past_events;
drop type attempt_outcome;
drop function url_host(text), first_message_id(timestamptz);
create or replace function url_path(url text) returns text immutable strict parallel safe language sql as $$
    select case strpos(substr(url_without_query(url), 9), '/')
        when 0 then '/' else substr(url_without_query(url), 8 + strpos(substr(url_without_query(url), 9), '/'))
    end
$$;

alter table former_events rename to events;
alter table former_events_default rename to events_default;
alter table events add primary key (at, id);
create index events_message_id on events (message_id);
create index events_hashes on events using brin (
    url_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    host_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    path_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    caller_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01)
) with (pages_per_range = 4);
create index events_state on events (state, at, id)
    where state in ('RETRY', 'ERROR', 'FAILED', 'CANCEL_REQUESTED', 'CANCELED');

delete from slots s where not exists (select from messages m where m.id = s.message_id);
delete from dead_letters d where not exists (select from messages m where m.id = d.message_id);
alter table slots add constraint slots_message_id_fkey foreign key (message_id) references messages (id) on delete cascade;
alter table dead_letters
    add constraint dead_letters_message_id_fkey foreign key (message_id) references messages (id) on delete cascade;

create view held_slots as
    select s.gate, s.message_id, s.family
    from slots s join messages m on m.id = s.message_id
    where case when s.gate like 'queue:%' then m.finished_at is null else m.state = 'active' end;

create or replace function create_event_partitions(days_ahead integer)
 returns integer
 language plpgsql
as $$
declare
    day date;
    name text;
    made integer := 0;
begin
    perform pg_advisory_xact_lock(hashtext('create_event_partitions'));
    for day in select generate_series(0, days_ahead) + (now() at time zone 'utc')::date loop
        name := 'events_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass(name) is not null;
        begin
            -- Made apart and attached: that takes a weaker lock on the parent than "partition of".
            execute format('create table %I (like events including defaults including constraints) with (autovacuum_vacuum_insert_scale_factor = 0.2)', name);
            execute format('alter table events attach partition %I for values from (%L) to (%L)',
                name, day::timestamp at time zone 'utc', (day + 1)::timestamp at time zone 'utc');
            made := made + 1;
        exception when check_violation then
            -- The default partition holds rows of that day; they stay where they are.
            null;
        end;
    end loop;
    return made;
end $$;

create or replace function drop_event_partitions(before timestamp with time zone)
 returns integer
 language plpgsql
as $$
declare
    name text;
    dropped integer := 0;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass and c.relname ~ '^events_\d{8}$'
          and (to_date(substr(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' <= before
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;

create or replace function admit(wanted text[], token uuid, lease_s double precision, most integer)
 returns SETOF messages
 language plpgsql
as $$
declare
    gate gates;
    gate_id text;
    other_id text;
    other gates;
    candidates uuid[];
    candidate messages;
    candidate_id uuid;
    closed text;
    room integer;
    starts integer;
    moved boolean;
    admitted integer := 0;
begin
    perform 1 from gates where id = any(wanted) order by id for no key update;

    foreach gate_id in array array(select id from gates where id = any(wanted) and not paused order by id) loop
        select * into gate from gates where id = gate_id;
        room := gate_room(gate);
        starts := 0;
        -- Who has a slot of a queue already needs no room: its next attempt is due, or it was let in before its time.
        candidates := array(
            select m.id from slots s join messages m on m.id = s.message_id
            where gate.kind = 'queue' and s.gate = gate_id and m.waits_for = gate_id
        );
        loop
            if candidates = '{}' then
                candidates := array(
                    select id from messages where waits_for = gate_id
                    order by priority desc, created_at, id limit greatest(0, least(room - starts, most - admitted))
                );
            end if;
            moved := false;
            foreach candidate_id in array candidates loop
                exit when admitted >= most;
                -- Unless somebody cancels it at this moment.
                select * into candidate from messages where id = candidate_id and waits_for = gate_id for update skip locked;
                continue when not found;

                if gate.kind = 'queue' then
                    insert into slots (gate, message_id, family) values (gate_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if found then
                        room := room - 1;
                        if candidate.not_before > clock_timestamp() then
                            update messages set waits_for = null, due_at = candidate.not_before where id = candidate_id
                            returning * into candidate;
                            moved := true;
                            return next candidate;
                            continue;
                        end if;
                    end if;
                end if;

                -- Its other gates must be open as well. Where one is not, it is parked there.
                closed := null;
                foreach other_id in array array_remove(candidate.gates, gate_id) loop
                    select * into other from gates where id = other_id for no key update skip locked;
                    if not found then
                        -- Locked, unless it is gone.
                        continue when not exists (select from gates where id = other_id);
                        closed := gate_id;
                    elsif other.paused or other.kind = 'flow_control' and gate_room(other) = 0 then
                        closed := other_id;
                    end if;
                    exit when closed is not null;
                end loop;
                if closed = gate_id then
                    return next candidate;
                    continue;
                end if;
                moved := true;
                if closed is not null then
                    update messages set waits_for = closed where id = candidate_id;
                    continue;
                end if;

                foreach other_id in array candidate.gates loop
                    continue when other_id not like 'flow:%' or not exists (select from gates where id = other_id);
                    insert into slots (gate, message_id, family) values (other_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if other_id = gate_id then
                        starts := starts + 1;
                    else
                        perform count_starts(other_id, 1);
                    end if;
                end loop;
                update messages set
                    state = 'active', lease_token = token, deliveries = deliveries + 1, waits_for = null,
                    due_at = clock_timestamp() + make_interval(secs => lease_s)
                where id = candidate_id
                returning * into candidate;
                insert into events (at, message_id, state) values (clock_timestamp(), candidate_id, 'ACTIVE');
                admitted := admitted + 1;
                return next candidate;
            end loop;
            exit when not moved or admitted >= most or room <= starts;
            candidates := '{}';
        end loop;
        if starts > 0 then
            perform count_starts(gate_id, starts);
        end if;
    end loop;
end $$;

comment on function admit(text[],uuid,double precision,integer) is 'What claim_blocked() was to the release before; goes with the next.';

create or replace function claim_blocked(wanted text[], token uuid, lease_s double precision, most integer)
 returns TABLE(message messages, limit_id text, wake_in_s double precision)
 language plpgsql
as $$
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
    candidate messages;
    candidate_id uuid;
    closed text;
    -- Limits with a rate: those that are asked for, and those where a message is blocked now.
    rated text[] := '{}';
    room integer;
    starts integer;
    moved boolean;
    claimed integer := 0;
begin
    perform 1 from gates where id = any(wanted) order by id for no key update;

    foreach gate_id in array array(select id from gates where id = any(wanted) and not paused order by id) loop
        select * into gate from gates where id = gate_id;
        room := gate_room(gate);
        starts := 0;
        if gate.rate is not null then
            rated := rated || gate_id;
        end if;
        -- A message that has a slot of its queue needs no room: its next attempt is due, or it entered before its time.
        candidates := array(
            select m.id from slots s join messages m on m.id = s.message_id
            where gate.kind = 'queue' and s.gate = gate_id and m.waits_for = gate_id
        );
        loop
            if candidates = '{}' then
                candidates := array(
                    select id from messages where waits_for = gate_id
                    order by priority desc, created_at, id limit greatest(0, least(room - starts, most - claimed))
                );
            end if;
            moved := false;
            foreach candidate_id in array candidates loop
                exit when claimed >= most;
                select * into candidate from messages where id = candidate_id and waits_for = gate_id for update skip locked;
                if not found then
                    -- Gone, or locked: by a cancellation, or by a claim that saw the message as it was before.
                    if exists (select from messages where id = candidate_id and waits_for = gate_id) then
                        message := null;
                        limit_id := gate_id;
                        wake_in_s := contended_s;
                        return next;
                    end if;
                    continue;
                end if;

                if gate.kind = 'queue' then
                    insert into slots (gate, message_id, family) values (gate_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if found then
                        room := room - 1;
                    end if;
                    -- Also a callback, whose slot is there from its acceptance.
                    if candidate.not_before > clock_timestamp() then
                        update messages set waits_for = null, due_at = candidate.not_before where id = candidate_id;
                        moved := true;
                        message := null;
                        limit_id := null;
                        wake_in_s := extract(epoch from candidate.not_before - clock_timestamp());
                        return next;
                        continue;
                    end if;
                end if;

                -- Its other limits must have room as well. Where one has none, the message is blocked there.
                closed := null;
                foreach other_id in array array_remove(candidate.gates, gate_id) loop
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
                    message := null;
                    limit_id := gate_id;
                    wake_in_s := contended_s;
                    return next;
                    continue;
                end if;
                moved := true;
                if closed is not null then
                    update messages set waits_for = closed where id = candidate_id;
                    if other.rate is not null then
                        rated := rated || closed;
                    end if;
                    continue;
                end if;

                foreach other_id in array candidate.gates loop
                    continue when other_id not like 'flow:%' or not exists (select from gates where id = other_id);
                    insert into slots (gate, message_id, family) values (other_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if other_id = gate_id then
                        starts := starts + 1;
                    else
                        perform count_starts(other_id, 1);
                    end if;
                end loop;
                update messages set
                    state = 'active', lease_token = token, deliveries = deliveries + 1, waits_for = null,
                    due_at = clock_timestamp() + make_interval(secs => lease_s)
                where id = candidate_id
                returning * into candidate;
                insert into events (at, message_id, state) values (clock_timestamp(), candidate_id, 'ACTIVE');
                claimed := claimed + 1;
                message := candidate;
                limit_id := null;
                wake_in_s := null;
                return next;
            end loop;
            exit when not moved or claimed >= most or room <= starts;
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
    message := null;
    for limit_id, wake_in_s in
        select g.id, extract(epoch from g.period_start + make_interval(secs => g.period_s) - clock_timestamp())
        from gates g
        where g.id = any(rated) and not g.paused and g.period_count >= g.rate
          and g.period_start + make_interval(secs => g.period_s) > began
          and (select m.id from messages m where m.waits_for = g.id order by m.priority desc, m.created_at, m.id limit 1) is not null
    loop
        return next;
    end loop;
end $$;

comment on function claim_blocked(text[],uuid,double precision,integer) is 'Leases blocked messages within all of their limits, and says when to try again.';

create or replace function claim_blocked(wanted text[], token uuid, lease_s double precision, most integer, small_bytes integer, most_bytes bigint)
 returns TABLE(message messages, limit_id text, wake_in_s double precision)
 language plpgsql
as $$
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
    candidate messages;
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
            select m.id from slots s join messages m on m.id = s.message_id
            where gate.kind = 'queue' and s.gate = gate_id and m.waits_for = gate_id
        );
        loop
            if candidates = '{}' then
                candidates := array(
                    select id from messages where waits_for = gate_id
                    order by priority desc, created_at, id limit greatest(0, least(room - starts, most - claimed))
                );
            end if;
            moved := false;
            foreach candidate_id in array candidates loop
                exit when claimed >= most;
                select * into candidate from messages where id = candidate_id and waits_for = gate_id for update skip locked;
                if not found then
                    -- Gone, or locked: by a cancellation, or by a claim that saw the message as it was before.
                    if exists (select from messages where id = candidate_id and waits_for = gate_id) then
                        message := null;
                        limit_id := gate_id;
                        wake_in_s := contended_s;
                        return next;
                    end if;
                    continue;
                end if;

                large := greatest(0, octet_length(candidate.body) - small_bytes);
                has_room := large = 0 or candidate.not_before > clock_timestamp()
                    or most_bytes > 0 and claimed_bytes + large <= greatest(most_bytes, large);
                if not has_room then
                    message := null;
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
                    if candidate.not_before > clock_timestamp() then
                        update messages set waits_for = null, due_at = candidate.not_before where id = candidate_id;
                        moved := true;
                        message := null;
                        limit_id := null;
                        wake_in_s := extract(epoch from candidate.not_before - clock_timestamp());
                        return next;
                        continue;
                    end if;
                end if;

                -- Its other limits must have room as well. Where one has none, the message is blocked there.
                closed := null;
                foreach other_id in array array_remove(candidate.gates, gate_id) loop
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
                    message := null;
                    limit_id := gate_id;
                    wake_in_s := contended_s;
                    return next;
                    continue;
                end if;
                moved := true;
                if closed is not null then
                    update messages set waits_for = closed where id = candidate_id;
                    if other.rate is not null then
                        rated := rated || closed;
                    end if;
                    continue;
                end if;

                foreach other_id in array candidate.gates loop
                    continue when other_id not like 'flow:%' or not exists (select from gates where id = other_id);
                    insert into slots (gate, message_id, family) values (other_id, candidate_id, candidate_id)
                    on conflict do nothing;
                    if other_id = gate_id then
                        starts := starts + 1;
                    else
                        perform count_starts(other_id, 1);
                    end if;
                end loop;
                update messages set
                    state = 'active', lease_token = token, deliveries = deliveries + 1, waits_for = null,
                    due_at = clock_timestamp() + make_interval(secs => lease_s)
                where id = candidate_id
                returning * into candidate;
                insert into events (at, message_id, state) values (clock_timestamp(), candidate_id, 'ACTIVE');
                claimed := claimed + 1;
                claimed_bytes := claimed_bytes + large;
                message := candidate;
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
    message := null;
    for limit_id, wake_in_s in
        select g.id, extract(epoch from g.period_start + make_interval(secs => g.period_s) - clock_timestamp())
        from gates g
        where g.id = any(rated) and not g.paused and g.period_count >= g.rate
          and g.period_start + make_interval(secs => g.period_s) > began
          and (select m.id from messages m where m.waits_for = g.id order by m.priority desc, m.created_at, m.id limit 1) is not null
    loop
        return next;
    end loop;
end $$;

create or replace function cancel_messages(wanted uuid[], wait boolean)
 returns TABLE(message_id uuid, cancelled boolean, freed text[])
 language plpgsql
as $$
declare
    locked uuid[];
    opened uuid[];
begin
    opened := array(select m.id from messages m where m.id = any(wanted) and m.finished_at is null order by m.id);
    if wait then
        locked := array(select m.id from messages m where m.id = any(opened) and m.finished_at is null order by m.id for update);
    else
        locked := array(select m.id from messages m where m.id = any(opened) and m.finished_at is null for update skip locked);
    end if;
    update messages m set state = 'cancelled', due_at = null, lease_token = null, waits_for = null, finished_at = now()
    where m.id = any(locked);
    -- A millisecond apart: cursors of the log are times in milliseconds, and the official clients ask for what is later.
    insert into events (at, message_id, state)
    select case state when 'CANCELED' then now() + interval '1 millisecond' else now() end, id, state
    from unnest(locked) as id, unnest(array['CANCEL_REQUESTED', 'CANCELED']::event_state[]) as state;
    if locked <> '{}' then
        perform pg_notify('sigpost', 'cancelled');
    end if;
    return query
        with given_back as (delete from slots s where s.message_id = any(locked) returning s.message_id as id, s.gate)
        select o.id, o.id = any(locked), array(select g.gate from given_back g where g.id = o.id)
        from unnest(opened) as o(id);
end $$;

comment on function cancel_messages(uuid[],boolean) is 'Cancels open messages, and says which limits that frees.';

create or replace function refuse_to_delete_a_gate_in_use()
 returns trigger
 language plpgsql
as $$
begin
    if exists (select from messages where gates @> array[old.id] and gates is not null and finished_at is null) then
        raise exception 'gate % has open messages', old.id using errcode = 'foreign_key_violation';
    end if;
    return old;
end $$;

create or replace function measure_queue()
 returns TABLE(due bigint, scheduled bigint, active bigint, waiting bigint, oldest_due_s double precision, dead_letters bigint)
 language sql
 stable
as $$
    select
        (select count(*) from (select from messages where due_at <= now() limit 10000) few),
        (select count(*) from (select from messages where due_at > now() and state = 'pending' limit 10000) few),
        (select count(*) from (select from messages where due_at > now() and state = 'active' limit 10000) few),
        (select count(*) from (select from messages where waits_for is not null limit 10000) few),
        (select extract(epoch from now() - min(due_at))::double precision from messages where due_at <= now()),
        (select count(*) from (select from dead_letters limit 10000) few)
$$;

create trigger gates_in_use before delete on gates for each row execute function refuse_to_delete_a_gate_in_use();

select create_event_partitions(7);

comment on table messages is 'What was accepted. Ids are UUIDv7, so the primary key is also the order of acceptance and the handle of retention.';
comment on column messages.due_at is 'When a dispatcher may take it: the time of the next attempt while pending, the end of the lease while active, null once finished.';
comment on column messages.lease_token is 'Who holds the lease. Every write about a delivery names it; a write with another token changes nothing.';
comment on column messages.deliveries is 'Leases taken, also those that were lost.';
comment on column messages.retried is 'Failed attempts that were recorded; what the destination sees as Upstash-Retried.';
comment on column messages.header is 'What the destination receives: Content-Type and forwarded headers, {"Name": ["value"]}.';
comment on column messages.retries is 'Attempts allowed after the first.';
comment on column messages.timeout_ms is 'Bound of one attempt in milliseconds; null means the deployment''s longest.';
comment on column messages.retry_delay is 'The sender''s expression for the delay of a retry, verbatim; null means the built-in backoff.';
comment on column messages.callback is 'Where to report every attempt: {"url", "options"}.';
comment on column messages.failure_callback is 'Where to report the final failure: {"url", "options"}.';
comment on column messages.callback_of is 'For a callback, the message it reports on.';
comment on column messages.not_before is 'The earliest first delivery: creation plus delay.';
comment on column messages.priority is 'Among those that wait at a gate the higher goes first.';
comment on column messages.gates is 'What it has to pass, in this order: its queue, then its flow-control keys. Null for most messages.';
comment on column messages.waits_for is 'The gate it is parked at, while it is due but may not start. In a queue also while it is not due: the head of a queue waits for its time.';
comment on column messages.flow_control is 'What the publish said: [{"key", "parallelism", "rate", "period"}]. What counts is in gates.';
comment on column messages.redact is 'What reading it hides; deliveries have the original.';
comment on table events is 'No foreign key to messages: the log is written with every step of every message, and may outlive it.';
comment on column events.error is 'Why an attempt failed, in words; on ERROR and FAILED rows.';
comment on column events.next_delivery_at is 'When the next attempt is planned; on RETRY rows.';
comment on column events.url_hash is 'Of the message''s url; this and the other hashes on CREATED rows only.';
comment on column events.host_hash is 'Of the host without its port, in lower case.';
comment on column events.path_hash is 'Of url_path().';
comment on column events.caller_hash is 'Of the message''s caller_ip.';
comment on view held_slots is 'The slots that count against a limit.';