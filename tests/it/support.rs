//! Helpers of the tests.

pub(crate) mod event_bridge;
mod official_sdk;
mod proxy;
mod receiver;
mod repository;
mod test_app;

pub(crate) use event_bridge::EventBridge;
pub(crate) use official_sdk::{create_schedules_with_the_sdk, sign_webhooks};
pub(crate) use proxy::Proxy;
pub(crate) use receiver::{Answer, PATIENCE, Received, Receiver};
pub(crate) use repository::{files_below, has_extension, read, repository};
pub(crate) use test_app::{Answered, TestApp, answered, serve};
pub(crate) use tests::TestDatabase;
