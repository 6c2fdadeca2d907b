//! Library to write job handlers and to enqueue jobs.
//!
//! A [`Job`] is a serde struct; publishing requires no more. A [`Handler`] runs it. The [`router()`] handles each delivery:
//!
//! ```text
//! size -> verify -> decode -> begin -> run -> finish -> respond
//! 413     401       489, 500  200 duplicate   409       200, 500, 503, 489
//!                             409, 503        503
//! ```
//!
//! A message may be delivered more than once. A completed message does not run again, and only one run of a message is
//! active while its lease is valid. Use [`JobContext::once`] for side effects, and [`JobContext::commit`] and
//! [`JobContext::enqueue`] for rows and follow-up jobs: see [`context`].
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use sigpost_jobs::{Handler, Harness, Job, JobContext, JobError, Outcome};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Greet {
//!     name: String,
//! }
//!
//! impl Job for Greet {
//!     const TYPE: &'static str = "greet";
//!     const ENDPOINT: &'static str = "/api/jobs/greet";
//! }
//!
//! struct Greeter;
//!
//! impl Handler for Greeter {
//!     type Job = Greet;
//!
//!     async fn run(&self, job: Greet, _ctx: &JobContext) -> Result<Outcome, JobError> {
//!         Ok(Outcome::with(format!("Hello, {}!", job.name)))
//!     }
//! }
//!
//! # async fn process() -> anyhow::Result<()> {
//! // In Lambda, or on the socket `LISTEN`.
//! sigpost_jobs::start().await?;
//! sigpost_jobs::serve(sigpost_jobs::router(Greeter, Harness::from_env()?)).await
//! # }
//! ```

mod absent;
pub mod base_url;
pub mod client;
pub mod context;
mod delivery;
pub mod enqueue;
pub mod enqueue_in;
mod envelope;
pub mod error;
pub mod handler;
pub mod handlers;
pub mod harness;
pub mod job;
pub mod outcome;
pub mod payloads;
mod persistence;
pub mod publication;
pub mod redact;
pub mod router;
pub mod sealing;
pub mod trace;

pub use absent::null_is_absent;
pub use client::Client;
pub use context::{JobContext, Lock};
pub use delivery::{RUN_BEAT, RUN_LEASE};
pub use enqueue::{EnqueueError, Enqueued, enqueue};
pub use enqueue_in::{enqueue_in, enqueue_many_in};
pub use error::JobError;
pub use handler::Handler;
pub use handlers::Handlers;
pub use harness::Harness;
pub use job::{Invalid, Job};
pub use outcome::Outcome;
pub use publication::EnqueueOptions;
pub use redact::redact;
pub use router::router;
pub use sealing::SealingKeys;
pub use sigpost_qstash::Traceparent;
pub use sigpost_runtime::serve::serve;
pub use sigpost_runtime::start;
