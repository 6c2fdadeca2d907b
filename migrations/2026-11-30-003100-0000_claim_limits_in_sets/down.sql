-- The function as it was before.
drop function claim_blocked(text[], uuid, double precision, integer, integer, bigint, bigint[]);

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

drop function record_delivered;
