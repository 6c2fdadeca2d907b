-- One in a thousand has the values of the first message, the others have distinct values; half of each have failed.
-- Over 28 days.
create temp table numbered as
    select n, seeds.id(now() - n * interval '2 minutes', n) as id, now() - n * interval '2 minutes' as at
    from generate_series(1, 20000) n;
insert into messages (id, url, method, header, body, retries, labels, caller_ip, not_before, created_at, topic_name,
                      schedule_id, gates)
select i.id, case when n < 20 then m.url else 'https://h' || n || '.example.com/p' || n end, m.method, m.header, '', 3,
       array[case when n < 20 then 'some' else 'l' || n end], case when n < 20 then m.caller_ip else '10.0.0.' || n end, i.at,
       i.at, case when n < 20 then 'some' else 't' || n end, case when n < 20 then 'some' else 's' || n end,
       case when n < 20 then m.gates else array['queue:' || n, 'flow:' || n] end
from messages m, numbered i order by i.id;
insert into pending_deliveries (id, due_at, created_at, body_bytes, limits)
select m.id, now() + interval '1 h', m.created_at, 0, m.gates from messages m join numbered i using (id) where n % 2 = 0;
insert into attempts (message_id, number, retried, outcome, started_at, ended_at, response_status)
select id, 1, 0, 'failed', at, at + interval '1 second', 500 from numbered where n % 2 = 1;
insert into dead_letters (message_id, failed_at, response_status)
select i.id, i.at + interval '1 second', case when m.caller_ip = '127.0.0.1' then 418 else 500 end
from numbered i join messages m using (id) where n % 2 = 1;
