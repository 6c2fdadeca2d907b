//! What a caller chooses about the server.

use std::path::PathBuf;

/// How a [`Server`](crate::Server) is to be started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data lives, and whether it outlives the server.
    pub data_dir: DataDir,
    /// Whether a commit must survive a crash.
    pub durability: Durability,
    /// More settings as `postgres -c name=value`. They come last, so they win over ours.
    pub settings: Vec<(String, String)>,
}

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataDir {
    /// In this folder, which is made when it is missing. The data survives restarts.
    Kept(PathBuf),
    /// In a new folder that is removed when the server stops.
    Temporary,
}

/// Whether a commit must survive a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync`, `synchronous_commit` and `full_page_writes` are on, as in production.
    Durable,
    /// All three are off: several times faster, and a power cut can destroy the data. For tests.
    Fast,
}
