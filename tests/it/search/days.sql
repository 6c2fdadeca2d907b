-- Partitions for the last 30 days, as in a database that is a month old.
select seeds.create_day(n) from generate_series(1, 30) n;

-- Returns an ID of this time, the n-th of its millisecond.
create function seeds.id(at timestamptz, n integer) returns uuid stable language sql as $$
    select (left(first_message_id(at)::text, 14) || '7000-8000-' || lpad(n::text, 12, '0'))::uuid
$$;
