-- 2,000 messages with the values of the first one, an hour ago, and 40,000 others since, in this order in the table.
-- A BRIN index finds them by their position.
create temp table numbered as
    select n, seeds.id(now() - interval '1 h' + n * interval '10 ms', n) as id, now() - interval '1 h' + n * interval '10 ms' as at
    from generate_series(1, 42000) n;
insert into messages (id, url, method, header, body, retries, labels, caller_ip, not_before, created_at)
select i.id, case when n <= 2000 then m.url else 'https://h' || n || '.example.com/p' || n end, m.method, m.header, '', 3,
       array[case when n <= 2000 then 'old' else 'new' end], '10.0.0.1', i.at, i.at
from messages m, numbered i order by n;
delete from messages where caller_ip = '127.0.0.1';
delete from pending_deliveries;
insert into pending_deliveries (id, due_at, body_bytes) select id, now() + interval '1 h', 0 from numbered where n > 2000;
insert into attempts (message_id, number, retried, outcome, ended_at)
select id, 1, 0, 'failed', at + interval '1 s' from numbered where n <= 2000 order by n;
insert into dead_letters (message_id, failed_at) select id, at from numbered order by n;
