//! Code that the test binaries of this package share.

pub mod aws_cron;
pub mod boto;
pub mod database;
pub mod delivery;
mod installation;
pub mod moto;
pub mod sdk;

pub use database::TestDatabase;
pub use delivery::deliver;
