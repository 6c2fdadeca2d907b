//! One server for all tests of a process.

use std::sync::OnceLock;

use crate::{DataDir, Durability, Options, Server};

static SHARED: OnceLock<Server> = OnceLock::new();

/// Returns the server that all tests of this process share. Starts it at the first call.
///
/// Its data is temporary and not durable. Each test makes a database of its own in it, with
/// `CREATE DATABASE … TEMPLATE …`. The server's watchdog stops it when the test process ends.
///
/// # Panics
///
/// If Postgres cannot be started. No test that calls this can pass without it.
pub fn shared() -> &'static Server {
    SHARED.get_or_init(|| {
        let options = Options { data_dir: DataDir::Temporary, durability: Durability::Fast, settings: Vec::new() };
        Server::start(options, &mut |line| eprintln!("{line}"))
            .unwrap_or_else(|error| panic!("the tests need a Postgres: {error}"))
    })
}
