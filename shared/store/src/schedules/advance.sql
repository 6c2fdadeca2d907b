-- Without a firing only the time of the next one changes.
with fired as (
    select *
    from unnest($ids, $next_fire_at, $are_fired, $fired_at, $message_ids, $errors)
        as f(id, next_fire_at, is_fired, fired_at, message_ids, error)
)
update schedules s set
    next_fire_at = f.next_fire_at,
    last_fire_at = case when f.is_fired then f.fired_at else s.last_fire_at end,
    last_message_ids = case when f.is_fired then f.message_ids::uuid[] else s.last_message_ids end,
    error = case when f.is_fired then f.error else s.error end
from fired f
where s.id = f.id
returning s.id
