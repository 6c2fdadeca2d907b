//! Quotas of queues and flow-control keys. A publish creates those that it names.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

use sigpost_qstash::{ErrorCode, Limits, Options};
use sigpost_runtime::ApiError;
use sigpost_store::gates::{self, of_flow_control_key, of_queue};
use sigpost_store::{Database, Error};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a count is cached.
const COUNTED_FOR: Duration = Duration::from_secs(10);

/// How long a publish waits for these queries. With the wait for its commit, this is less than 5 seconds.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether the quotas are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Full {
    queues: bool,
    keys: bool,
}

/// The last count.
#[derive(Default)]
pub(crate) struct Quota(Mutex<Option<(Instant, Full)>>);

/// New queues and keys that would exceed a quota.
#[derive(Debug, Default)]
pub(crate) struct Rejected(BTreeSet<String>);

impl Quota {
    /// Returns which of these queues and keys would exceed a quota. Below the quotas, this costs one query every ten
    /// seconds. If the database does not respond, nothing is rejected here: the publish fails by itself.
    pub(crate) async fn rejected(
        &self,
        database: &Database,
        limits: &Limits,
        wanted: impl Iterator<Item = String>,
    ) -> Rejected {
        let mut wanted = wanted.peekable();
        if wanted.peek().is_none() {
            return Rejected::default();
        }
        match timeout(PATIENCE, self.missing(database, limits, wanted)).await {
            Ok(Ok(rejected)) => return rejected,
            Ok(Err(error)) => tracing::debug!(%error, "counting queues and flow-control keys failed"),
            Err(_) => tracing::debug!("counting queues and flow-control keys timed out"),
        }
        Rejected::default()
    }

    async fn missing(
        &self,
        database: &Database,
        limits: &Limits,
        wanted: impl Iterator<Item = String>,
    ) -> Result<Rejected, Error> {
        let full = self.full(database, limits).await?;
        if full == Full::default() {
            return Ok(Rejected::default());
        }
        let concerned: BTreeSet<String> =
            wanted.filter(|id| if is_queue(id) { full.queues } else { full.keys }).collect();
        if concerned.is_empty() {
            return Ok(Rejected::default());
        }
        let ids = concerned.iter().map(String::as_str).collect();
        let missing = gates::missing(&mut *database.connection().await?, ids).await?;
        Ok(Rejected(missing.into_iter().collect()))
    }

    /// Counts queues and keys, or returns the cached result. Concurrent requests share a count.
    async fn full(&self, database: &Database, limits: &Limits) -> Result<Full, Error> {
        let mut counted = self.0.lock().await;
        if let Some((at, full)) = *counted
            && at.elapsed() < COUNTED_FOR
        {
            return Ok(full);
        }
        let (queues, keys) = gates::count(&mut *database.connection().await?).await?;
        let full = Full { queues: queues >= limits.max_queues, keys: keys >= limits.max_flow_control_keys };
        *counted = Some((Instant::now(), full));
        Ok(full)
    }
}

impl Rejected {
    /// Returns an error if one of these queues and keys would exceed a quota.
    pub(crate) fn check(&self, limits: &Limits, wanted: impl IntoIterator<Item = String>) -> Result<(), ApiError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let Some(id) = wanted.into_iter().find(|id| self.0.contains(id)) else { return Ok(()) };
        Err(match is_queue(&id) {
            true => exceeded("maxQueues", limits.max_queues),
            false => exceeded("maxFlowControlKeys", limits.max_flow_control_keys),
        })
    }
}

fn is_queue(gate: &str) -> bool {
    gate.starts_with(&of_queue(""))
}

/// Returns the 412 error with QStash's text.
pub(crate) fn exceeded(quota: &str, limit: impl Display) -> ApiError {
    let reason = format!("quota {quota} exceeded, current limit: {limit}");
    ApiError::new(ErrorCode::QuotaExceeded, reason)
}

/// Returns the IDs of the queue and the flow-control keys of a publish.
pub(crate) fn wanted(options: &Options) -> impl Iterator<Item = String> {
    let queue = options.queue_name.as_deref().map(of_queue);
    queue.into_iter().chain(options.flow_control.iter().map(|control| of_flow_control_key(&control.key)))
}
