-- Sizes of events with their messages, in the order of the positions. Postgres knows the length of a body without
-- reading it.
select coalesce(a.size, e.size, 0) + coalesce(m.size, 0)
from unnest($ats_us, $steps, $message_ids) with ordinality as p(at_us, step, message_id, place)
cross join lateral (select timestamptz 'epoch' + p.at_us * interval '1 microsecond' as at) moment
left join lateral (
    select (coalesce(octet_length(response_body), 0) + coalesce(octet_length(response_header::text), 0))::bigint as size
    from attempts a
    where p.step = 2 and a.message_id = p.message_id and a.ended_at = moment.at limit 1
) a on true
left join lateral (
    select (coalesce(octet_length(response_body), 0) + coalesce(octet_length(response_header::text), 0))::bigint as size
    from past_events e where p.step >= 8 and e.at = moment.at and e.id = p.step - 8 limit 1
) e on true
left join lateral (
    select (octet_length(m.url) + octet_length(m.header::text) + coalesce(octet_length(m.callback::text), 0)
            + coalesce(octet_length(m.failure_callback::text), 0)
            + case when $with_bodies then octet_length(m.body) else 0 end)::bigint as size
    from messages m where m.id = p.message_id limit 1
) m on true
order by p.place
