//! Black-box tests: the first line of each shows who is calling, its name says what is promised.

mod support;

mod addresses;
mod aws;
mod bad_input;
mod batch;
mod callbacks;
mod cancel_many;
mod crash;
mod dead_letters;
mod deduplication;
mod delay;
mod delivery;
mod dispatchers;
mod enqueue;
mod events;
mod flow_control;
mod jobs;
mod keys;
mod lambda;
mod limits;
mod messages;
mod migrations;
mod openapi;
mod outage;
mod publish;
mod queues;
mod receivers;
mod routes;
mod schedules;
mod schema;
mod search;
mod shutdown;
mod tokens;
mod url_groups;
mod wire;
