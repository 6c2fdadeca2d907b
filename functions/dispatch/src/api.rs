//! The HTTP API: one file per resource.

pub(crate) mod attempts;
pub(crate) mod auth;
pub(crate) mod batch;
pub(crate) mod body;
pub(crate) mod dead_letters;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod filters;
pub(crate) mod flow_control;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod openapi;
pub(crate) mod page;
pub(crate) mod parameter;
pub(crate) mod path;
pub(crate) mod publish;
pub(crate) mod query;
pub(crate) mod queues;
pub(crate) mod quota;
pub(crate) mod schedules;
pub(crate) mod shown;
pub(crate) mod streamed;
pub(crate) mod unknown;
pub(crate) mod url_groups;
pub(crate) mod warnings;
