//! HTTP load from a separate thread: a closed loop for throughput, an open loop for latency.

pub(crate) mod closed_loop;
pub(crate) mod connection;
pub(crate) mod job;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use self::closed_loop::{Done, Extent};
use self::connection::Target;
use crate::own_thread;

/// Connections of the open loop: enough that no job waits for the response to another.
const OPEN_LOOP_CONNECTIONS: usize = 8;

/// Every connection posts its next job as soon as it has the response to its last one.
pub(crate) async fn closed(target: &Target, connections: usize, extent: Extent) -> Result<Done> {
    let target = target.clone();
    own_thread::run("load", move || async move {
        let connections = target.connect(connections).await?;
        closed_loop::run(connections, extent).await
    })
    .await
}

/// Posts `jobs` jobs, one each `every`, whether the earlier ones have their responses or not.
pub(crate) async fn open(target: &Target, every: Duration, jobs: u64) -> Result<()> {
    let target = target.clone();
    own_thread::run("load", move || async move {
        let connections: Vec<_> =
            target.connect(OPEN_LOOP_CONNECTIONS).await?.into_iter().map(|one| Arc::new(Mutex::new(one))).collect();
        let mut posts = JoinSet::new();
        let mut ticks = interval(every);
        // A late tick is followed by the next one immediately, which keeps the rate.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for (number, connection) in (0..jobs).zip(connections.iter().cycle()) {
            ticks.tick().await;
            let connection = Arc::clone(connection);
            posts.spawn(async move {
                // Take the time before waiting for a connection, so that the wait counts.
                let body = job::body(number, job::now_ns());
                connection.lock().await.post(body).await
            });
        }
        while let Some(posted) = posts.join_next().await {
            posted.context("a post panicked")??;
        }
        Ok(())
    })
    .await
}
