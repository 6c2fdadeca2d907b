//! Black-box tests: the first line of each shows who is calling, its name says what is promised.

mod support;

mod addresses;
mod bad_input;
mod callbacks;
mod cancel_many;
mod crash;
mod dead_letters;
mod deduplication;
mod delay;
mod delivery;
mod dispatchers;
mod events;
mod jobs;
mod keys;
mod lambda;
mod messages;
mod migrations;
mod outage;
mod publish;
mod receivers;
mod routes;
mod schema;
mod search;
mod shutdown;
mod tokens;
