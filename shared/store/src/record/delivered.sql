with gone as (
    delete from pending_deliveries p
    using unnest($ids, $tokens, $statuses, $headers, $bodies) as i(id, token, status, header, body)
    where p.id = i.id and p.lease_token = i.token
    returning p.id, p.deliveries, p.retried, p.leased_at, i.status, i.header, i.body
)
insert into attempts (message_id, number, retried, outcome, started_at, response_status, response_header, response_body)
select id, deliveries, retried, 'delivered', leased_at, status, header::json, body from gone
returning message_id
