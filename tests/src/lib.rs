//! What the test binaries of this package share.

pub mod aws_cron;
pub mod database;
mod installation;
pub mod moto;
pub mod sdk;

pub use database::TestDatabase;
