//! The handler's side: runs and their records, enqueuing, and the functions that are made of it.

mod actor;
mod check_job_health;
mod cleanup_old_data;
mod deployment;
mod enqueue;
mod export_data;
mod export_memory;
mod files;
mod generate_report;
mod job_health;
mod lease;
mod once;
mod outage;
mod outcomes;
mod send_email;
mod signatures;
