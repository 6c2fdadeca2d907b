-- A key in use keeps its row and returns the earlier message's ID; the arrival is not inserted. Keys are locked in a
-- fixed order, which prevents deadlocks between batches.
with input as materialized (
    select *, rest::jsonb as more
    from unnest($ids, $are_leased, $delays_s, $at_ms, $urls, $methods, $headers, $bodies, $retries, $caller_ips, $keys,
                $windows_s, $destinations, $rest)
        as i(id, is_leased, delay_s, at_ms, url, method, header, body, retries, caller_ip, key, window_s, destination, rest)
),
taken as (
    insert into deduplications as d (key, message_id, expires_at, release_on_failure)
    select key, id, now() + make_interval(secs => window_s), coalesce((more->>'release_on_failure')::bool, false)
    from input where key is not null order by key
    on conflict (key) do update set
        message_id = case when d.expires_at <= now() then excluded.message_id else d.message_id end,
        release_on_failure = case when d.expires_at <= now() then excluded.release_on_failure else d.release_on_failure end,
        expires_at = case when d.expires_at <= now() then excluded.expires_at else d.expires_at end
    returning key, message_id
),
fresh as (
    select i.*, coalesce(to_timestamp(i.at_ms / 1000.0), now() + make_interval(secs => i.delay_s)) as first_due,
           case when more is not null then nullif(array(select jsonb_array_elements_text(more->'gates')), '{}') end as limits
    from input i
    where i.key is null or i.id in (select message_id from taken)
),
stored as (
    insert into messages (id, url, method, header, body, retries, timeout_ms, retry_delay, callback, failure_callback,
                          labels, caller_ip, callback_of, not_before, gates, queue_name, flow_control, priority,
                          topic_name, endpoint_name, schedule_id, redact)
    select id, url, method, header::json, body, retries, (more->>'timeout_ms')::bigint, more->>'retry_delay',
           (more->'callback')::json, (more->'failure_callback')::json,
           case when more is not null then nullif(array(select jsonb_array_elements_text(more->'labels')), '{}') end,
           caller_ip, (more->>'callback_of')::uuid, greatest(first_due, now()), limits, more->>'queue_name',
           (more->'flow_control')::json, coalesce((more->>'priority')::int, 0), more->>'topic_name',
           more->>'endpoint_name', more->>'schedule_id', more->>'redact'
    from fresh
    on conflict (id) do nothing
    returning id
),
queued as (
    insert into pending_deliveries (id, due_at, lease_token, lease_until, leased_at, deliveries, priority, body_bytes,
                                    limits, blocked_by, destination)
    select id, greatest(first_due, now()), case when is_leased then $token end,
           case when is_leased then now() + make_interval(secs => $lease_s) end, case when is_leased then now() end,
           is_leased::int, coalesce((more->>'priority')::int, 0), octet_length(body), limits, more->>'blocked_by',
           destination
    from fresh join stored using (id)
),
woken as (select case when $notify then pg_notify('sigpost', '')::text end)
select floor(extract(epoch from now()) * 1000)::bigint, taken.key, taken.message_id
from woken left join taken on true
