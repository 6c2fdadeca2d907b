drop table activity_logs;
drop table stripe_events;
drop table stripe_subscriptions;
drop table stripe_customers;
