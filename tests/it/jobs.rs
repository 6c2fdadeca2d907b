//! The handler's side: runs and their records, enqueuing, and the functions that are made of it.

mod actor;
mod cleanup_old_data;
mod commit;
mod crash;
mod deployment;
mod effects;
mod enqueue;
mod hosted;
mod improvised;
mod job_health;
mod lease;
mod leave_off;
mod lock;
mod once;
mod outage;
mod outcomes;
mod records;
mod sealed;
mod send_email;
mod signatures;
