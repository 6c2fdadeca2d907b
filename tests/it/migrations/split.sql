-- Messages of the release before `split_messages` in every state, with their events. The path of each is its name.
create temp table kinds (name text, state message_state, ids text, events text[]);
insert into kinds values
    ('due', 'pending', '01', '{CREATED}'),
    ('scheduled', 'pending', '02', '{CREATED}'),
    ('retrying', 'pending', '03', '{CREATED,ACTIVE,ERROR,RETRY}'),
    ('blocked', 'pending', '04', '{CREATED}'),
    ('in-flight', 'active', '05', '{CREATED,ACTIVE}'),
    ('delivered', 'delivered', '06', '{CREATED,ACTIVE,DELIVERED}'),
    ('failed', 'failed', '07', '{CREATED,ACTIVE,ERROR,FAILED}'),
    ('cancelled', 'cancelled', '08', '{CREATED,CANCEL_REQUESTED,CANCELED}');
insert into gates (id, kind, name, parallelism, paused) values ('queue:paused', 'queue', 'paused', 1, true);

create function pg_temp.id(ids text, n integer) returns uuid language sql as $$
    select (lpad(to_hex(floor(extract(epoch from now() - interval '1 hour') * 1000)::bigint), 12, '0') || '70008000' || ids
            || lpad(n::text, 10, '0'))::uuid
$$;

insert into messages (id, state, due_at, lease_token, deliveries, retried, url, method, header, body, retries, labels,
                      not_before, created_at, finished_at, gates, waits_for, queue_name)
select pg_temp.id(ids, 1), state,
       case name when 'due' then now() when 'scheduled' then now() + interval '1 hour'
                 when 'retrying' then now() when 'in-flight' then now() - interval '1 second' end,
       case when state = 'active' then gen_random_uuid() end, (events @> '{ACTIVE}')::int, (name = 'retrying')::int,
       '{url}/' || name, 'POST', '{"Content-Type":["text/plain"]}', convert_to(name, 'UTF8'), 3, array[name],
       now() - interval '1 hour', now() - interval '1 hour',
       case when state in ('delivered', 'failed', 'cancelled') then now() - interval '59 minutes' end,
       case when name = 'blocked' then array['queue:paused'] end, case when name = 'blocked' then 'queue:paused' end,
       case when name = 'blocked' then 'paused' end
from kinds;

insert into events (at, message_id, state, response_status)
select now() - interval '1 hour' + place * interval '1 second', pg_temp.id(ids, 1), event::event_state,
       case event when 'DELIVERED' then 200 when 'ERROR' then 500 end
from kinds, unnest(events) with ordinality as e(event, place) order by place;
update messages m set created_at = e.at from events e where e.message_id = m.id and e.state = 'CREATED';
insert into dead_letters (message_id, response_status) select pg_temp.id('07', 1), 500;

-- More delivered messages.
insert into messages (id, state, url, method, header, body, retries, labels, not_before, created_at, finished_at)
select pg_temp.id('09', n), 'delivered', 'https://many.example/', 'POST', '{}', convert_to(repeat('x', 200), 'UTF8'), 3, array['many'], now(),
       now() - interval '1 hour', now() - interval '59 minutes'
from generate_series(1, {many}) n;
insert into events (at, message_id, state, response_status)
select now() - interval '1 hour' + place * interval '1 second', pg_temp.id('09', n), state::event_state,
       case state when 'DELIVERED' then 200 end
from generate_series(1, {many}) n, unnest('{CREATED,ACTIVE,DELIVERED}'::text[]) with ordinality as s(state, place);
