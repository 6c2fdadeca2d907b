-- For partitions that are not dropped as a whole. By ID, which is by age: each batch begins at the end of the last
-- one. Rows that other transactions have locked are left for the next run.
with cutoff as (select to_timestamp($before_ms / 1000.0) as at),
old as materialized (
    select m.id from messages m, cutoff
    where m.id > $after and m.id < $before and m.tableoid::regclass::text in ('messages_default', 'past_messages')
      and not exists (select from pending_deliveries p where p.id = m.id)
      and coalesce(
          (select max(a.ended_at + interval '0') from attempts a where a.message_id = m.id),
          (select max(e.at + interval '0') from past_events e where e.message_id = m.id),
          m.created_at
      ) < cutoff.at
    order by m.id limit $most for update of m skip locked
),
ids as materialized (select array(select id from old) as old),
letters as (delete from dead_letters d using ids where d.message_id = any(ids.old) returning d.id),
ended as (delete from attempts a using ids where a.message_id = any(ids.old)),
gone as (delete from messages m using ids where m.id = any(ids.old) returning m.id)
select (select count(*) from gone), (select count(*) from letters), (select id from old order by id desc limit 1)
