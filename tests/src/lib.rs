//! What the test binaries of this package share.

pub mod aws_cron;
pub mod database;
pub mod moto;
pub mod sdk;

pub use database::TestDatabase;
pub use moto::Moto;
