drop function cancel_messages;
drop function claim_blocked;
drop function period_ends_in;

create or replace function gate_room(gate gates) returns integer language plpgsql as $$
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

create or replace function count_starts(gate_id text, starts integer) returns void language sql as $$
    update gates set
        period_count = starts + case when period_start + make_interval(secs => period_s) > clock_timestamp() then period_count else 0 end,
        period_start = case when period_start + make_interval(secs => period_s) > clock_timestamp() then period_start else clock_timestamp() end
    where id = gate_id and rate is not null;
$$;

comment on function admit is 'Leases messages that wait at gates, within the limits of all of their gates.';

drop view held_slots;
