//! What the test binaries of this package share.

pub mod boto;
pub mod database;
mod installation;
pub mod moto;
pub mod sdk;

pub use database::TestDatabase;
