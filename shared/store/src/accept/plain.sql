-- Two unnested lists cost less than a materialized one (measured: 6.6 against 7.2 us of CPU time per message).
with stored as (
    insert into messages (id, url, method, header, body, retries, caller_ip, not_before)
    select id, url, method, header::json, body, retries, caller_ip, now()
    from unnest($ids, $urls, $methods, $headers, $bodies, $retries, $caller_ips)
        as i(id, url, method, header, body, retries, caller_ip)
),
queued as (
    insert into pending_deliveries (id, due_at, lease_token, lease_until, leased_at, deliveries, body_bytes, destination)
    select id, now(), case when is_leased then $token end,
           case when is_leased then now() + make_interval(secs => $lease_s) end, case when is_leased then now() end,
           is_leased::int, bytes, destination
    from unnest($ids, $are_leased, $body_bytes, $destinations) as i(id, is_leased, bytes, destination)
)
select floor(extract(epoch from now()) * 1000)::bigint, case when $notify then pg_notify('sigpost', '')::text end
