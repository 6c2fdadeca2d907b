//! What a handler knows about the run besides the job.

use sigpost_store::Database;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The circumstances of one run.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The message, the same over all attempts: what keys for effects on others are made of.
    pub message_id: String,
    /// The run: its row in `job_executions`, another one for each attempt.
    pub run_id: Uuid,
    /// The number of the delivery, from 1.
    pub attempt: u32,
    /// On whose behalf, if the sender said so.
    pub user_id: Option<String>,
    /// For which organization, if the sender said so.
    pub organization_id: Option<String>,
    /// The deployment's database. The heartbeat uses the same pool, which in Lambda has one connection:
    /// who holds it for more than some 20 s loses the lease. Never ask for a second while holding one.
    pub database: Database,
    /// Fires when the run has ended or must end. The handler itself is dropped then; this is for
    /// tasks that it has spawned.
    pub cancelled: CancellationToken,
}
