-- An insert computes the expressions of every index, also those of a BRIN index that it changes nothing in. url_host() and
-- url_path() call about twenty functions, which were a third of the CPU time of an accept. Stored URLs are normalized, so
-- fewer calls find the host; and a search for a path reads the pages that have its last segment.
drop index messages_search;

create or replace function url_host(url text) returns text immutable strict parallel safe language sql as $$
    select split_part(split_part(split_part(split_part(url, '/', 3), '?', 1), '@', -1), ':', 1)
$$;
comment on function url_host is 'The host without its port. All IPv6 addresses have the same one.';

create function url_path_end(url text) returns text immutable strict parallel safe language sql as $$
    select split_part(split_part(split_part(url, '?', 1), '#', 1), '/', -1)
$$;
comment on function url_path_end is 'The last segment of the path of a URL, or of a path.';

create index messages_search on messages using brin (
    url text_bloom_ops, url_host(url) text_bloom_ops, url_path_end(url) text_bloom_ops, caller_ip text_bloom_ops
) with (pages_per_range = 8);
