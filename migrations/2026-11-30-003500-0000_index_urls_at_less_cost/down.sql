drop index messages_search;
drop function url_path_end(text);

create or replace function url_host(url text) returns text immutable strict parallel safe language sql as $$
    select lower(split_part(split_part(split_part(split_part(split_part(url, '/', 3), '?', 1), '#', 1), '@', -1), ':', 1))
$$;
comment on function url_host is 'The host in lower case, without its port. All IPv6 addresses have the same one.';

create index messages_search on messages using brin (
    url text_bloom_ops, url_host(url) text_bloom_ops, url_path(url) text_bloom_ops, caller_ip text_bloom_ops
) with (pages_per_range = 8);
