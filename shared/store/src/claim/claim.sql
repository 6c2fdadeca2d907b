-- Leases due messages, oldest first. The inner query runs once and locks only the rows that it takes. A locked row
-- cannot move before the statement ends, so its ctid is the fastest way back to it, and the planner has no join to
-- choose.
--
-- Messages to destinations in $without are skipped: these have reached their share of the messages in flight.
--
-- Large messages are taken within the bound of bytes.
--
-- A message with limits is not leased but blocked by its first limit, even after an expired lease: it starts once
-- more, when its limits have capacity. As after any attempt the slots of its keys are free, and that of its queue is
-- not. All of its limits are wake-ups.
with due as materialized (
    select ctid as place, due_at, id, deliveries, retried, leased_at, lease_token is not null as is_expired,
           greatest(0, body_bytes - $small) as large
    from pending_deliveries
    where blocked_by is null and due_at <= now()
      and (lease_until is null or $with_expired and lease_until <= now())
      and body_bytes <= $largest
      -- "+ 0" hides the column's statistics. If most rows have one destination, the planner would expect no rows and
      -- sort the whole table instead of reading the first rows of the index.
      and destination + 0 <> all($without)
    order by due_at, id limit (select $most) for update skip locked
),
weighed as materialized (
    -- The first large message always fits: the sum is then its own size.
    select place, large = 0 or sum(large) over (order by due_at, id rows unbounded preceding)
                               <= greatest(large, $bytes) as fits
    from due
),
taken as (
    update pending_deliveries p set
        lease_token = case when limits is null then $token end,
        lease_until = case when limits is null then now() + make_interval(secs => $lease_s) end,
        leased_at = case when limits is null then now() end,
        deliveries = deliveries + (limits is null)::int,
        blocked_by = limits[1]
    -- The commit does not wait for the disk. If Postgres crashes before the lease is written, the message is
    -- delivered again, as after any expired lease; an outcome is never on disk before its lease, because the WAL is
    -- written in order.
    where ctid = any(array(select place from weighed where fits))
      and (select set_config('synchronous_commit', 'off', true)) = 'off'
    returning id, deliveries, retried, limits
),
expired as (
    insert into attempts (message_id, number, retried, outcome, started_at)
    select id, d.deliveries, d.retried, 'lease_expired', d.leased_at from due d join taken using (id) where d.is_expired
),
given_back as (
    delete from slots s using taken t where t.limits is not null and s.message_id = t.id and s.gate like 'flow:%'
)
select t.limits, (select 'infinity'::float8 from weighed where not fits limit 1), t.deliveries, t.retried, m.*
-- A lateral join, so that each row reads only the partition of its message.
from taken t left join lateral (select * from message_contents m where m.id = t.id and t.limits is null offset 0) m on true
