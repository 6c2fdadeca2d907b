//! `sigpost doctor`: each item on a deployment that violates it and on one that does not.

mod alerts;
mod api;
mod database;
mod deployment;
mod jobs;
mod keys;
mod leases;
mod retention;
mod schedules;
mod schema;
mod settings;
mod whole;

use self::deployment::Deployment;
