comment on column effects.message is 'The same message in messages, if it is one of ours.';
comment on column effects.message_id is 'As on the wire (msg_...): a handler may serve deliveries of another dispatcher.';

create unique index job_executions_one_open_or_completed on job_executions (message_id)
    where status in ('processing', 'completed');

drop index job_executions_one_of_original;
alter table job_executions drop column original_message_id;
