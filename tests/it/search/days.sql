-- Partitions for the last 30 days, as a database has them after a month.
do $$
declare
    day date;
    parent text;
begin
    for day in select (now() at time zone 'utc')::date - n from generate_series(1, 30) n loop
        foreach parent in array array['messages', 'attempts'] loop
            execute format('create table %I partition of %I for values from (%L) to (%L)',
                parent || '_' || to_char(day, 'YYYYMMDD'), parent,
                first_message_id(day::timestamp at time zone 'utc'), first_message_id((day + 1)::timestamp at time zone 'utc'));
        end loop;
    end loop;
end $$;

-- An id of this time, and the n-th of its millisecond.
create function seeds.id(at timestamptz, n integer) returns uuid stable language sql as $$
    select (left(first_message_id(at)::text, 14) || '7000-8000-' || lpad(n::text, 12, '0'))::uuid
$$;
