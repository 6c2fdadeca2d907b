drop table deduplications;
drop table messages;
drop type message_state;
