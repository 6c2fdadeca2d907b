-- The lock on the row with its lease token is the fence: everything else is written only for rows that have it. The
-- first returned row has the limits with freed slots.
with input as materialized (
    select * from unnest($ids, $tokens, $nexts, $delays_s, $statuses, $headers, $bodies, $errors)
        as i(id, token, next, delay_s, status, header, body, error)
),
held as materialized (
    select p.id, p.deliveries, p.retried, p.leased_at, i.next::attempt_outcome as outcome, i.status,
           i.header::json as header, i.body, i.error, now() + make_interval(secs => i.delay_s) as due_again
    from pending_deliveries p join input i on p.id = i.id and p.lease_token = i.token
    for update of p
),
ended as (
    delete from pending_deliveries p using held h where p.id = h.id and h.outcome in ('delivered', 'failed')
),
due_again as (
    update pending_deliveries p set
        due_at = h.due_again, lease_token = null, lease_until = null, leased_at = null,
        retried = h.retried + (h.outcome = 'retried')::int,
        deliveries = h.deliveries - (h.outcome = 'given_back')::int
    from held h where p.id = h.id and h.outcome in ('retried', 'given_back')
),
logged as (
    insert into attempts (message_id, number, retried, outcome, started_at, response_status, response_header,
                          response_body, error, retry_at)
    select id, deliveries, retried, outcome, leased_at, status, header, body, error,
           case when outcome = 'retried' then due_again end
    from held
),
buried as (
    insert into dead_letters (message_id, response_status, response_header, response_body, error)
    select id, coalesce(status, 0), header, body, error from held where outcome = 'failed'
    returning id, message_id, floor(extract(epoch from failed_at) * 1000)::bigint as failed_at_ms
),
given_back as (
    delete from slots s using held h
    where $any_has_slots and s.message_id = h.id and (h.outcome in ('delivered', 'failed') or s.gate like 'flow:%')
    returning s.gate
),
released as (
    -- In the order of the keys, like an accept.
    delete from deduplications where key = any(array(
        select key from deduplications
        where release_on_failure and message_id = any(array(select id from held where outcome = 'failed'))
        order by key for update
    ))
)
select held.id, buried.failed_at_ms, buried.id,
       case when row_number() over () = 1 then array(select distinct gate from given_back) else '{}' end
from held left join buried on buried.message_id = held.id
