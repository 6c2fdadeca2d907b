//! An embedded Postgres for `sigpost dev`, the benchmark and the tests.
//!
//! It starts a Postgres that is installed on the machine, or downloads one, on a free port of
//! 127.0.0.1 and stops it again: on request, when the [`Server`] is dropped, and also
//! when this process is killed. It works as root too, where Postgres itself does not run.
//!
//! What it is not: a way to run Postgres in production. No deployed function links this crate.
//! Everything here blocks; from async code, call it in `spawn_blocking`.
//!
//! # Layout
//!
//! - [`Server`] (`server.rs`) is the whole of it in order: home, binaries, cluster, start, stop.
//! - `binaries.rs`, `download.rs`: which Postgres is run, and where to get one.
//! - `identity.rs`: the user Postgres runs as.
//! - `home.rs`, `temporary.rs`, `elsewhere.rs`, `lock.rs`: the folder of the data and who may
//!   use it.
//! - `cluster.rs`, `settings.rs`: `initdb` and the command line of `postgres`.
//! - `watchdog.rs`, `readiness.rs`, `orphan.rs`, `postmaster.rs`: the running process.
//! - [`testing`]: one shared server per test process.

mod binaries;
mod cluster;
mod download;
mod elsewhere;
mod error;
mod home;
mod identity;
mod lock;
mod options;
mod orphan;
mod postmaster;
mod random;
mod readiness;
mod server;
mod settings;
mod temporary;
pub mod testing;
mod text_file;
mod watchdog;

pub use error::Error;
pub use options::{DataDir, Durability, Options};
pub use server::Server;
