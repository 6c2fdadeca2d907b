//! The program as a user runs it: real processes, a real Postgres, a real terminal's signals.

mod commands;
mod config;
mod dev;
mod doctor;
mod email;
mod logs;
mod new_job;
mod readme;
mod running;
mod serve;
mod tokens;
