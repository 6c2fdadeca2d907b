//! The reference: a minimal durable, signed HTTP-push dispatcher. Rates of sigpost are compared with its rates in the
//! same minutes, on the same Postgres, with the same load generator and destination.
//!
//! It stores each job before it responds, and concurrent requests share a commit. It claims batches with
//! `SKIP LOCKED`, signs each attempt with a JWT over the body, sends it on a keep-alive connection, and records outcomes
//! and one execution row per attempt in batches. It has no retries, no limits, no API and no log of events, and a job that
//! was claimed by a killed process stays claimed.
//!
//! [`intake`] accepts, [`claims`] claims, [`attempts`] (with [`token`]) sends, [`records`] records: each is a group of
//! tasks, connected by channels. [`tables`] has the SQL, [`process`] is the handle of the child process,
//! [`measure`] the measurements.

mod attempts;
mod claims;
mod intake;
pub(crate) mod measure;
mod process;
mod records;
mod tables;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::child;

/// Maximum number of claimed jobs without a recorded outcome.
const ROOM: usize = 3 * claims::BATCH;

/// Command-line arguments of the child process.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Mode of the process.
    mode: Mode,
    /// A database with the tables of the reference.
    database_url: String,
    /// The destination of the jobs.
    destination: SocketAddr,
}

/// Mode of a process of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Accept,
    Deliver,
    Both,
}

/// A claimed job.
struct Job {
    id: i64,
    attempt: i32,
    body: Bytes,
}

/// Runs the child process. It prints the address of its intake, and exits at the end of its standard input.
pub(crate) async fn run(options: Options) -> Result<()> {
    child::end_with_parent();
    let stored = Arc::new(Notify::new());
    let address = match options.mode {
        Mode::Deliver => options.destination,
        Mode::Accept | Mode::Both => intake::start(&options.database_url, Arc::clone(&stored)).await?,
    };
    if options.mode == Mode::Accept {
        child::announce(&address.to_string())?;
        return std::future::pending().await;
    }
    let room = Arc::new(Semaphore::new(ROOM));
    let (jobs, claimed) = mpsc::channel(ROOM);
    let (outcomes, ended) = mpsc::channel(ROOM);
    records::start(&options.database_url, ended, Arc::clone(&room)).await?;
    attempts::start(options.destination, claimed, &outcomes);
    let claims = claims::Claims::connect(&options.database_url).await?;
    child::announce(&address.to_string())?;
    claims.run(&jobs, &room, &stored).await
}
