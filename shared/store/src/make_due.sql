with wanted as (select $id as id),
made_due as (
    update pending_deliveries p set due_at = least(p.due_at, now())
    from wanted where p.id = wanted.id and p.lease_token is null
    returning p.id, p.blocked_by
),
earlier as (
    update messages m set not_before = now() from made_due where m.id = made_due.id and m.not_before > now()
),
told as (select pg_notify('sigpost', '')::text from made_due)
select exists (select from made_due), (select m.state::text from message_states m join wanted using (id)),
       (select blocked_by from made_due)
from (select 1) one left join told on true
