//! One file per command.

pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod dev;
pub(crate) mod doctor;
pub(crate) mod email;
pub(crate) mod health;
pub(crate) mod messages;
pub(crate) mod migrate;
pub(crate) mod new;
pub(crate) mod publish;
pub(crate) mod serve;
pub(crate) mod tokens;
pub(crate) mod version;
