drop function drop_event_partitions(timestamptz);
drop function create_event_partitions(integer);
drop table events;
drop type event_state;
