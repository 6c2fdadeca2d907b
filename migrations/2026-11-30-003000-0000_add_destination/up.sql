-- Claims leave out destinations that have their share of the messages in flight. A constant default rewrites no row; messages
-- from before this migration share the destination 0.
alter table pending_deliveries add column destination bigint not null default 0;

comment on column pending_deliveries.destination is 'Hash of scheme, host and port of the URL: the dispatcher counts messages in flight per destination. 0: not known.';
