//! Tests of the program with real processes, a real Postgres and real signals.

mod cleanup;
mod collector;
mod commands;
mod completions;
mod config;
mod confirm;
mod deployment;
mod dev;
mod doctor;
mod email;
mod getting_started;
mod guides;
mod iam;
mod logs;
mod new_handler;
mod operate;
mod readme;
mod redrive;
mod running;
mod serve;
mod tail;
mod tokens;
mod traces;
