//! One file per command.

pub(crate) mod cleanup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod dev;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod email;
pub(crate) mod flow;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod migrate;
pub(crate) mod new;
pub(crate) mod publish;
pub(crate) mod queues;
pub(crate) mod schedules;
pub(crate) mod serve;
pub(crate) mod stats;
pub(crate) mod tail;
pub(crate) mod tokens;
pub(crate) mod version;
