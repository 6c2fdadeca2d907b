-- Finding messages by what they have. Writing is what there is most of, so nothing that every message
-- has is indexed value by value: the CREATED row of the log has hashes of it, and a BRIN index notes,
-- some pages at a time, which hashes occur there. Until a vacuum has looked at new pages an insert
-- does nothing for it. What few messages have is indexed where it is, in messages.

alter table events
    add column url_hash integer,
    add column host_hash integer,
    add column path_hash integer,
    add column caller_hash integer;

comment on column events.url_hash is 'Of the message''s url; this and the other hashes on CREATED rows only.';
comment on column events.host_hash is 'Of the host without its port, in lower case.';
comment on column events.path_hash is 'Of url_path().';
comment on column events.caller_hash is 'Of the message''s caller_ip.';

-- To compare what was found. Single expressions, so that they are put in place where they are called. A url was checked when it was published: it has a scheme and a host.
create function url_authority(url text) returns text immutable strict parallel safe language sql as $$
    select lower(split_part(split_part(split_part(split_part(url, '/', 3), '?', 1), '#', 1), '@', -1))
$$;
create function url_without_query(url text) returns text immutable strict parallel safe language sql as $$
    select split_part(split_part(url, '?', 1), '#', 1)
$$;
-- The path begins behind the host: after "http://" and one character, or "https://".
create function url_path(url text) returns text immutable strict parallel safe language sql as $$
    select case strpos(substr(url_without_query(url), 9), '/')
        when 0 then '/' else substr(url_without_query(url), 8 + strpos(substr(url_without_query(url), 9), '/'))
    end
$$;
comment on function url_authority is 'Host and port in lower case.';
comment on function url_path is 'From the first slash behind the host to the query; "/" when there is none.';
-- As the program computes it; needed here only.
create or replace function pg_temp.hash_of(value text) returns integer immutable strict language sql as $$
    select ('x' || left(encode(sha256(convert_to(value, 'UTF8')), 'hex'), 8))::bit(32)::integer
$$;
update events e set
    url_hash = pg_temp.hash_of(m.url), host_hash = pg_temp.hash_of(split_part(url_authority(m.url), ':', 1)),
    path_hash = pg_temp.hash_of(url_path(m.url)), caller_hash = pg_temp.hash_of(m.caller_ip)
from messages m
where m.id = e.message_id and e.state = 'CREATED';

-- Four pages are about a hundred CREATED rows. It is not partial: to the planner a condition that every
-- row in a partial index meets looks as good as the hash, and it would read them all.
create index events_hashes on events using brin (
    url_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    host_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    path_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01),
    caller_hash int4_bloom_ops (n_distinct_per_range = 200, false_positive_rate = 0.01)
) with (pages_per_range = 4);

-- The states that most messages never reach.
create index events_state on events (state, at, id)
    where state in ('RETRY', 'ERROR', 'FAILED', 'CANCEL_REQUESTED', 'CANCELED');

create index messages_topic_name on messages (topic_name) where topic_name is not null;
create index messages_schedule_id on messages (schedule_id) where schedule_id is not null;
create index messages_gates on messages using gin (gates) where gates is not null;
create index messages_labels on messages using gin (labels) where labels <> '{}';

-- To the millisecond, as in the id on the wire: so the id alone says where a page continues, also
-- when its row is gone.
alter table dead_letters alter column failed_at type timestamptz(3) using date_trunc('milliseconds', failed_at);
create index dead_letters_response_status on dead_letters (response_status, failed_at, id);
