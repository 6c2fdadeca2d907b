-- Limits (queues and flow-control keys) whose slots cannot leak and whose every opening is a wake-up.

-- A slot counts only while its message can use it: a queue's slot until the message ends, a key's slot during an
-- attempt. So a row that is left behind, by a race or by an older release, blocks no message.
create view held_slots as
    select s.gate, s.message_id, s.family
    from slots s join messages m on m.id = s.message_id
    where case when s.gate like 'queue:%' then m.finished_at is null else m.state = 'active' end;

comment on view held_slots is 'The slots that count against a limit.';

delete from slots s using messages m where m.id = s.message_id and m.finished_at is not null;

create or replace function gate_room(gate gates) returns integer language plpgsql as $$
declare
    room integer := 2147483647;
begin
    if gate.paused then
        return 0;
    end if;
    if gate.parallelism is not null then
        select gate.parallelism - count(distinct h.family) into room from held_slots h where h.gate = gate_room.gate.id;
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

-- A period begins with its first start: one without a start is not running, whatever set its beginning.
create or replace function count_starts(gate_id text, starts integer) returns void language sql as $$
    update gates set
        period_count = starts + case when period_count > 0 and period_start + make_interval(secs => period_s) > clock_timestamp() then period_count else 0 end,
        period_start = case when period_count > 0 and period_start + make_interval(secs => period_s) > clock_timestamp() then period_start else clock_timestamp() end
    where id = gate_id and rate is not null;
$$;

-- Seconds until the running period of a limit ends; null unless all of its starts are used.
create function period_ends_in(gate gates) returns double precision language sql as $$
    select extract(epoch from gate.period_start + make_interval(secs => gate.period_s) - clock_timestamp())::double precision
    where gate.rate <= gate.period_count
      and gate.period_start + make_interval(secs => gate.period_s) > clock_timestamp()
$$;

-- Claims messages that are blocked at these limits, as far as all of their limits have room. A row is one of:
-- a claimed message; a limit and the seconds until it has to be tried again (the end of its period, or of another
-- transaction that works on a limit of the same message); seconds alone, until a message is due that entered its
-- queue before its time.
--
-- Locks make the limits hold. The limits asked for are locked in the order of their ids, before any message; every
-- other lock is taken only if it is free. So calls never wait for each other in a circle. Every statement in here
-- sees what was committed before it began, so what is counted under a lock is all there is.
create function claim_blocked(wanted text[], token uuid, lease_s double precision, most integer)
returns table (message messages, limit_id text, wake_in_s double precision) language plpgsql as $$
declare
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
    moved_to text[] := '{}';
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
                    moved_to := moved_to || closed;
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

    -- What is left blocked by a rate alone has nobody else to wake it than the end of the period.
    message := null;
    for limit_id, wake_in_s in
        select g.id, period_ends_in(g) from gates g
        where g.id = any(wanted || moved_to) and g.rate is not null and not g.paused
          and exists (select from messages m where m.waits_for = g.id)
    loop
        if wake_in_s is not null then
            return next;
        end if;
    end loop;
end $$;

comment on function claim_blocked is 'Leases blocked messages within all of their limits, and says when to try again.';
comment on function admit is 'What claim_blocked() was to the release before; goes with the next.';

-- Cancels the open ones of these messages, and frees their slots. Returns each with whether it was cancelled and
-- the limits that it freed, and notifies the dispatchers. What another transaction has locked is waited for, or left
-- open.
--
-- Three statements, each of which sees what was committed before it began: a message that was claimed a moment ago
-- has its slots by the time its row is locked, and one statement would miss them.
create function cancel_messages(wanted uuid[], wait boolean)
returns table (message_id uuid, cancelled boolean, freed text[]) language plpgsql as $$
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

comment on function cancel_messages is 'Cancels open messages, and says which limits that frees.';
