drop function admit;
drop function count_starts;
drop function gate_room;
drop index deduplications_released;
alter table deduplications drop column release_on_failure;
drop table slots;
drop index messages_open_by_gate;
drop index messages_waiting;
alter table events alter column response_header type jsonb using response_header::jsonb;
alter table dead_letters alter column response_header type jsonb using response_header::jsonb;
-- Who waits at a gate is due without one.
update messages set due_at = greatest(not_before, now()) where waits_for is not null;
alter table messages
    drop constraint messages_wait_at_a_gate_of_theirs,
    drop constraint messages_wait_while_pending,
    drop constraint messages_due_while_open;
alter table messages
    drop column priority,
    drop column gates,
    drop column waits_for,
    drop column queue_name,
    drop column flow_control,
    drop column topic_name,
    drop column endpoint_name,
    drop column schedule_id,
    drop column redact,
    alter column header type jsonb using header::jsonb,
    alter column callback type jsonb using callback::jsonb,
    alter column failure_callback type jsonb using failure_callback::jsonb,
    add constraint messages_due_while_open check ((due_at is not null) = (state in ('pending', 'active')));
drop table gates;
drop function refuse_to_delete_a_gate_in_use;
drop type gate_kind;
