//! The handler's side: runs and their records, enqueuing, and the functions that are made of it.

mod actor;
mod cleanup_old_data;
mod commit;
mod crash;
mod create_notification;
mod deployment;
mod effects;
mod enqueue;
mod hosted;
mod improvised;
mod ingress;
mod job_health;
mod lease;
mod leave_off;
mod lock;
mod once;
mod outage;
mod outcomes;
mod process_stripe_webhook;
mod process_webhook;
mod records;
mod sealed;
mod send_email;
mod signatures;
