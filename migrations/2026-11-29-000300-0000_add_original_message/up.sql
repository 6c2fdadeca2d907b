-- A redriven message is the same message to its handler: its runs share one key with those of the
-- message that was published first, so that one of them at most is open or completed.

alter table job_executions add column original_message_id text;

comment on column job_executions.original_message_id is 'For a redriven message, the message that was published first; null for any other.';

-- The database rejects a second run whichever message of the chain it comes from. It implies the
-- uniqueness by message_id, which the former index had.
create unique index job_executions_one_of_original on job_executions (coalesce(original_message_id, message_id))
    where status in ('processing', 'completed');

drop index job_executions_one_open_or_completed;

comment on column effects.message_id is 'The message that was published first, as on the wire (msg_...): redriven messages share its effects. A handler may serve deliveries of another dispatcher.';
comment on column effects.message is 'The message of the chain that was redriven last, in messages, if it is one of ours. The row is kept as long as this message.';
