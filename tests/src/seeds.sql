-- Messages and events as one row each, for tests: the state of a message goes to its table.

create schema seeds;

create view seeds.messages as
    select id, state, due_at, lease_token, deliveries, retried, url, method, header, body, retries, labels, caller_ip,
           not_before, created_at, finished_at, gates, blocked_by, queue_name, topic_name, schedule_id
    from message_states;

create function seeds.add_message() returns trigger language plpgsql as $$
begin
    insert into messages (id, url, method, header, body, retries, labels, caller_ip, not_before, created_at, gates,
                          queue_name, topic_name, schedule_id)
    values (new.id, new.url, new.method, new.header, new.body, new.retries, new.labels, new.caller_ip, new.not_before,
            coalesce(new.created_at, now()), new.gates, new.queue_name, new.topic_name, new.schedule_id);
    if new.state in ('pending', 'active') then
        insert into pending_deliveries (id, due_at, created_at, lease_token, lease_until, leased_at, deliveries, retried,
                                        body_bytes, limits, blocked_by)
        values (new.id, case when new.state = 'active' then now() else coalesce(new.due_at, new.not_before) end,
                coalesce(new.created_at, now()), new.lease_token, case when new.state = 'active' then new.due_at end,
                case when new.state = 'active' then now() end, coalesce(new.deliveries, 0), coalesce(new.retried, 0),
                octet_length(new.body), new.gates, new.blocked_by);
    else
        insert into attempts (message_id, number, retried, outcome, ended_at)
        values (new.id, coalesce(new.deliveries, 1), coalesce(new.retried, 0), new.state::text::attempt_outcome,
                coalesce(new.finished_at, now()));
    end if;
    return new;
end $$;
create trigger add_message instead of insert on seeds.messages for each row execute function seeds.add_message();

create view seeds.events as select at, message_id, state, response_status from events;

create function seeds.add_event() returns trigger language plpgsql as $$
begin
    if new.state = 'CREATED' then
        insert into messages (id, url, method, header, body, retries, not_before, created_at)
        values (new.message_id, 'http://127.0.0.1:1/', 'POST', '{}', '', 3, now(), coalesce(new.at, now()));
    else
        insert into past_events (at, message_id, state, response_status)
        values (coalesce(new.at, now()), new.message_id, new.state, new.response_status);
    end if;
    return new;
end $$;
create trigger add_event instead of insert on seeds.events for each row execute function seeds.add_event();

-- Creates partitions for the day this many days ago.
create function seeds.create_day(ago integer) returns void language plpgsql as $$
declare
    day date := (now() at time zone 'utc')::date - ago;
    parent text;
begin
    foreach parent in array array['messages', 'attempts'] loop
        execute format('create table %I partition of %I for values from (%L) to (%L)',
            parent || '_' || to_char(day, 'YYYYMMDD'), parent, first_message_id(day::timestamp at time zone 'utc'),
            first_message_id((day + 1)::timestamp at time zone 'utc'));
    end loop;
end $$;
