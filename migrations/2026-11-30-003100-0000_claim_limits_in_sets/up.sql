-- claim_blocked() claims messages in sets where only one limit applies to them, and deliveries that free slots get a
-- statement of their own to be recorded. Together they take a fifth of the CPU of Postgres per message (measured at a key
-- with parallelism 100). claim_blocked() also skips destinations that used up their share.

drop function claim_blocked(text[], uuid, double precision, integer, integer, bigint);

-- Claims messages that are blocked by these limits, as far as all of their limits have room. A row is one of:
-- a claimed message; a limit and the seconds until it has to be tried again (the end of its period, or of another
-- transaction that works on a limit of the same message); seconds alone, until a message is due that entered its
-- queue before its time; a limit and a destination, of which a message was skipped. An endless time stands for a limit whose next message is large and has no room: what bodies have
-- more than small_bytes is most_bytes together at most. The first exceeds it, unless most_bytes is 0.
--
-- Small messages with no other limit are leased in sets, by one statement. All others are leased one by one. A set ends
-- before the first message that is not of the first kind, so all of them start in the order of the limit.
--
-- Plans are made once and do not depend on statistics: planning takes longer than the statements, and a plan from a time
-- when a table was small would read all of it later.
--
-- Locks make the limits hold. The limits asked for are locked in the order of their ids, before any message; every
-- other lock is taken only if it is free. So calls never wait for each other in a circle. Every statement in here
-- sees what was committed before it began, so what is counted under a lock is all there is.
create function claim_blocked(
    wanted text[], token uuid, lease_s double precision, most integer, small_bytes integer, most_bytes bigint,
    without bigint[] default '{}'
)
returns table (
    content message_contents, deliveries integer, retried integer, limit_id text, wake_in_s double precision,
    left_out bigint
)
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
declare
    -- A period that has not ended by now has no room, or is found to have ended: either way it is tried again.
    began constant timestamptz := clock_timestamp();
    -- When to try again where another transaction holds a limit.
    contended_s constant double precision := 0.01;
    -- How many messages are leased one by one after a set, before the next set is tried.
    few constant integer := 16;
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
    started timestamptz;
    starts integer;
    most_taken integer;
    taken integer;
    first_id uuid;
    last_id uuid;
    ids uuid[];
    deliveries_of integer[];
    retried_of integer[];
    in_sets boolean;
    passed_over bigint[];
    skipped bigint[];
    moved boolean;
    claimed integer := 0;
    large bigint;
    claimed_bytes bigint := 0;
    has_room boolean;
begin
    foreach gate_id in array array(
        select g.id from gates g where g.id = any(wanted) and not g.paused order by g.id for no key update
    ) loop
        -- Not together with the lock: a message of an earlier limit may have been counted here since.
        select * into gate from gates g where g.id = gate_id;
        room := gate_room(gate);
        starts := 0;
        has_room := true;
        in_sets := true;
        skipped := '{}';
        passed_over := case gate.kind when 'queue' then '{}' else without end;
        if gate.rate is not null then
            rated := rated || gate_id;
        end if;
        -- A message that has a slot of its queue needs no room: its next attempt is due, or it entered before its time.
        candidates := '{}';
        if gate.kind = 'queue' then
            candidates := array(
                select p.id from slots s join pending_deliveries p on p.id = s.message_id
                where s.gate = gate_id and p.blocked_by = gate_id
            );
        end if;
        loop
            if candidates = '{}' then
                most_taken := least(room, most - claimed);
                exit when most_taken <= 0;
                taken := 0;
                if in_sets then
                    -- Before it is counted, as below.
                    started := clock_timestamp();
                    with next as materialized (
                        select p.ctid as place, p.priority, p.created_at, p.id,
                               cardinality(p.limits) = 1 and p.body_bytes <= small_bytes and p.due_at <= started
                                   and p.destination <> all(without) as fits
                        from pending_deliveries p where p.blocked_by = gate_id and p.destination <> all(passed_over)
                        order by p.priority desc, p.created_at, p.id limit most_taken for update skip locked
                    ),
                    weighed as (
                        select n.place, bool_and(n.fits) over (
                            order by n.priority desc, n.created_at, n.id rows unbounded preceding) as all_fit
                        from next n
                    ),
                    leased as (
                        update pending_deliveries p set
                            blocked_by = null, lease_token = token, leased_at = started,
                            lease_until = started + make_interval(secs => lease_s), deliveries = p.deliveries + 1
                        where p.ctid = any(array(select w.place from weighed w where w.all_fit))
                        returning p.id, p.priority, p.created_at, p.deliveries, p.retried
                    ),
                    slotted as (
                        insert into slots (gate, message_id, family) select gate_id, l.id, l.id from leased l
                        on conflict do nothing
                    )
                    select count(*), (array_agg(l.id order by l.id))[1], (array_agg(l.id order by l.id desc))[1],
                           array_agg(l.id order by l.priority desc, l.created_at, l.id),
                           array_agg(l.deliveries order by l.priority desc, l.created_at, l.id),
                           array_agg(l.retried order by l.priority desc, l.created_at, l.id)
                    into taken, first_id, last_id, ids, deliveries_of, retried_of
                    from leased l;
                    -- With these bounds it opens only the partitions between them: opening all costs more than the rest.
                    return query
                        select m.content, l.deliveries, l.retried, null::text, null::double precision, null::bigint
                        from unnest(ids, deliveries_of, retried_of) as l(id, deliveries, retried)
                        cross join lateral (
                            select c as content from message_contents c
                            where c.id = l.id and c.id between first_id and last_id offset 0
                        ) m;
                    claimed := claimed + taken;
                    room := room - taken;
                    starts := starts + taken;
                    exit when taken = most_taken;
                    in_sets := taken > 0;
                end if;
                candidates := array(
                    select p.id from pending_deliveries p
                    where p.blocked_by = gate_id and p.destination <> all(passed_over)
                    order by p.priority desc, p.created_at, p.id
                    limit case when in_sets then least(few, most_taken - taken) else most_taken end
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

                if candidate.destination = any(without) then
                    -- Only in a queue, which keeps its order.
                    skipped := array[candidate.destination];
                    moved := false;
                    exit;
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
                        room := room - 1;
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
            exit when not has_room or not moved or claimed >= most or room <= 0;
            candidates := '{}';
        end loop;
        if starts > 0 and gate.rate is not null then
            perform count_starts(gate_id, starts);
        end if;
        if passed_over <> '{}' and claimed < most and room > 0 then
            skipped := array(
                select distinct f.destination from (
                    select p.destination from pending_deliveries p where p.blocked_by = gate_id
                    order by p.priority desc, p.created_at, p.id limit few
                ) f
                where f.destination = any(passed_over)
            );
        end if;
        return query
            select null::message_contents, null::integer, null::integer, gate_id, 0::double precision, s.destination
            from unnest(skipped) as s(destination);
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

-- Records deliveries that succeeded, and frees their slots. Returns the messages whose outcome was written; the first
-- row has the limits that were freed.
create function record_delivered(ids uuid[], tokens uuid[], statuses integer[], headers text[], bodies bytea[])
returns table (message_id uuid, freed text[])
language plpgsql
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
as $$
begin
    return query
        with gone as (
            delete from pending_deliveries p
            using unnest(ids, tokens, statuses, headers, bodies) as i(id, token, status, header, body)
            where p.id = i.id and p.lease_token = i.token
            returning p.id, p.deliveries, p.retried, p.leased_at, i.status, i.header, i.body
        ),
        given_back as (
            delete from slots s using gone g where s.message_id = g.id returning s.gate
        ),
        logged as (
            insert into attempts as a (message_id, number, retried, outcome, started_at, response_status, response_header,
                                       response_body)
            select g.id, g.deliveries, g.retried, 'delivered', g.leased_at, g.status, g.header::json, g.body from gone g
            returning a.message_id
        )
        select l.message_id,
               case when row_number() over () = 1 then array(select distinct b.gate from given_back b) else '{}' end
        from logged l;
end $$;

comment on function record_delivered is 'Records deliveries that succeeded, and says which limits that frees.';
