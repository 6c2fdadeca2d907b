//! What tests are written with.

mod database;
mod proxy;
mod receiver;
mod test_app;

pub(crate) use database::TestDatabase;
pub(crate) use proxy::Proxy;
pub(crate) use receiver::{Answer, Received, Receiver};
pub(crate) use test_app::{Answered, TestApp, answered, serve};
