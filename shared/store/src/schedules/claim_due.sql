-- Locks first and limits afterwards, since a window function cannot be combined with a lock. Rows beyond the limit
-- are due again when the transaction ends.
with due as materialized (
    select id, cron, destination, parameters, body, catch_up, caller_ip, next_fire_at
    from schedules
    where next_fire_at <= now() and id <> all($except)
    order by next_fire_at, id limit $most for update skip locked
),
weighed as (
    select *, row_number() over w as number, sum(octet_length(body) + pg_column_size(parameters)) over w as bytes
    from due
    window w as (order by next_fire_at, id)
)
select id, cron, destination, parameters::text, body, catch_up, caller_ip, next_fire_at, now()
from weighed
where number = 1 or bytes <= $bytes
order by number
