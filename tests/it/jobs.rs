//! The handler's side: runs and their records, enqueuing, and the functions that are made of it.

mod actor;
mod cleanup_old_data;
mod create_notification;
mod deployment;
mod enqueue;
mod ingress;
mod job_health;
mod lease;
mod once;
mod outage;
mod outcomes;
mod process_stripe_webhook;
mod process_webhook;
mod send_email;
mod signatures;
