-- Outcomes of attempts, in the order of the positions: one row for each.
select coalesce(a.response_status, e.response_status), coalesce(a.response_header, e.response_header),
       coalesce(a.response_body, e.response_body), coalesce(a.error, e.error), coalesce(a.retry_at, e.next_delivery_at)
from unnest($ats_us, $steps, $message_ids) with ordinality as p(at_us, step, message_id, place)
cross join lateral (select timestamptz 'epoch' + p.at_us * interval '1 microsecond' as at) moment
left join lateral (
    select case when p.step = 2 then response_status end as response_status,
           case when p.step = 2 then response_header end as response_header,
           case when p.step = 2 then response_body end as response_body, error,
           case when p.step = 3 then retry_at end as retry_at
    from attempts a
    where p.step in (2, 3) and a.message_id = p.message_id and a.ended_at = moment.at limit 1
) a on true
left join lateral (
    select * from past_events e where p.step >= 8 and e.at = moment.at and e.id = p.step - 8 limit 1
) e on true
order by p.place
