//! `sigpost doctor`: each item with a deployment that is broken in exactly that way, and one that is not.

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
