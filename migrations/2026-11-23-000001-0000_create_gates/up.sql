-- Queues and flow control. Both hold messages back, so both are a gate: what a message has to pass
-- before it is pushed. What passed takes a slot; who waits is parked at one gate, the first that was
-- found closed. Nothing is counted in a column that could drift: slots are rows.

create type gate_kind as enum ('queue', 'flow_control');

create table gates (
    id text primary key,
    kind gate_kind not null,
    name text not null,
    parallelism integer,
    rate integer,
    period_s integer not null default 1,
    paused boolean not null default false,
    pinned_parallelism boolean not null default false,
    pinned_rate boolean not null default false,
    period_start timestamptz,
    period_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),

    constraint gates_id_says_kind_and_name
        check (id = case kind when 'queue' then 'queue:' else 'flow:' end || name),
    constraint gates_bounds_positive check (parallelism > 0 and rate > 0 and period_s > 0 and period_count >= 0),
    constraint gates_queue_has_no_rate check (kind = 'flow_control' or (rate is null and parallelism is not null))
) with (fillfactor = 50);

comment on table gates is 'Queues and flow-control keys. Whoever lets messages pass holds a lock on the row.';
comment on column gates.parallelism is 'Slots at most; null means no bound.';
comment on column gates.rate is 'Starts per period at most; null means no bound.';
comment on column gates.period_s is 'Length of a period in seconds.';
comment on column gates.period_start is 'When the period began in which period_count messages were started.';
comment on column gates.pinned_parallelism is 'Set by hand: what messages bring for it is ignored.';

alter table messages
    add column priority integer not null default 0,
    add column gates text[],
    add column waits_for text references gates (id),
    add column queue_name text,
    add column flow_control json,
    add column topic_name text,
    add column endpoint_name text,
    add column schedule_id text,
    add column redact text,
    -- Nobody looks inside: json is checked when it is written, jsonb would be taken apart as well.
    alter column header type json using header::json,
    alter column callback type json using callback::json,
    alter column failure_callback type json using failure_callback::json,
    drop constraint messages_due_while_open,
    add constraint messages_due_while_open
        check ((due_at is not null) = (state in ('pending', 'active') and waits_for is null)),
    add constraint messages_wait_while_pending check (waits_for is null or state = 'pending'),
    add constraint messages_wait_at_a_gate_of_theirs check (waits_for is null or waits_for = any(gates));

alter table events alter column response_header type json using response_header::json;
alter table dead_letters alter column response_header type json using response_header::json;

-- The order in which a gate lets pass; created_at is the database's clock, so it is also the order of acceptance.
create index messages_waiting on messages (waits_for, priority desc, created_at, id) where waits_for is not null;

-- Who is open and has to pass a gate: for the size of its backlog, and for cancelling.
create index messages_open_by_gate on messages using gin (gates) where gates is not null and finished_at is null;

-- A message that comes to a gate must find it.
create function refuse_to_delete_a_gate_in_use() returns trigger language plpgsql as $$
begin
    if exists (select from messages where gates @> array[old.id] and gates is not null and finished_at is null) then
        raise exception 'gate % has open messages', old.id using errcode = 'foreign_key_violation';
    end if;
    return old;
end $$;
create trigger gates_in_use before delete on gates for each row execute function refuse_to_delete_a_gate_in_use();

comment on column messages.priority is 'Among those that wait at a gate the higher goes first.';
comment on column messages.gates is 'What it has to pass, in this order: its queue, then its flow-control keys. Null for most messages.';
comment on column messages.waits_for is 'The gate it is parked at, while it is due but may not start. In a queue also while it is not due: the head of a queue waits for its time.';
comment on column messages.flow_control is 'What the publish said: [{"key", "parallelism", "rate", "period"}]. What counts is in gates.';
comment on column messages.redact is 'What reading it hides; deliveries have the original.';

-- A slot of a queue is held from the start of a message to its end, retries and callbacks included;
-- a slot of a flow-control key for one attempt.
create table slots (
    gate text not null references gates (id),
    message_id uuid not null references messages (id) on delete cascade,
    family uuid not null,
    primary key (gate, message_id)
) with (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_threshold = 200
);
create index slots_message_id on slots (message_id);

comment on column slots.family is 'The message itself; for its callbacks, which keep a queue waiting as well, the message they report on. A family is one slot.';

alter table deduplications add column release_on_failure boolean not null default false;
create index deduplications_released on deduplications (message_id) where release_on_failure;

comment on column deduplications.release_on_failure is 'The key is free again when its message fails for good.';

-- How many more a gate lets pass now. Asked by who holds its lock.
create function gate_room(gate gates) returns integer language plpgsql as $$
declare
    room integer := 2147483647;
begin
    if gate.paused then
        return 0;
    end if;
    if gate.parallelism is not null then
        select gate.parallelism - count(distinct family) into room from slots where slots.gate = gate_room.gate.id;
    end if;
    if gate.rate is not null then
        if gate.period_start is null or clock_timestamp() >= gate.period_start + make_interval(secs => gate.period_s) then
            room := least(room, gate.rate);
        else
            room := least(room, gate.rate - gate.period_count);
        end if;
    end if;
    return greatest(room, 0);
end $$;

-- Counts starts in a gate's period, a new one if the last is over. Called by who holds its lock.
create function count_starts(gate_id text, starts integer) returns void language sql as $$
    update gates set
        period_count = starts + case when period_start + make_interval(secs => period_s) > clock_timestamp() then period_count else 0 end,
        period_start = case when period_start + make_interval(secs => period_s) > clock_timestamp() then period_start else clock_timestamp() end
    where id = gate_id and rate is not null;
$$;

-- Lets messages pass that wait at these gates, and leases those that may start: the claim of what is
-- behind a gate. Returns the rows it leased; the rows that it let into their queue before their time,
-- which are due later; and rows that still wait, at a gate that is to be looked at again because
-- somebody else works at this moment on another gate of theirs.
--
-- The locks make the limits hold. The gates asked for are locked in the order of their ids, before
-- any message; every other lock is taken only if it is free. So calls never wait for each other in a
-- circle. Every statement in here sees what was committed before it began, so what is counted under
-- the lock is all there is.
create function admit(wanted text[], token uuid, lease_s double precision, most integer)
returns setof messages language plpgsql as $$
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

comment on function admit is 'Leases messages that wait at gates, within the limits of all of their gates.';
