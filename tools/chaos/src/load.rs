//! Mixed load: workers that publish to all processes in turn until they are stopped.

mod kinds;
mod publisher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::future::join;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::invariants::KIND_DEDUPLICATED;
pub(crate) use kinds::period_of;
use kinds::{CANCELLED, KINDS, Kind, SCHEDULES, cancellation};
pub(crate) use publisher::Publisher;

/// Maximum duration of a publish, plus a margin.
const STOP: Duration = Duration::from_secs(40);

pub(crate) struct Load {
    publisher: Arc<Publisher>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Load {
    /// Creates queues and schedules, and starts to publish.
    pub(crate) async fn start(publisher: Publisher, round: u32, seed: u64, factor: f64) -> Result<Self> {
        let publisher = Arc::new(publisher);
        for request in kinds::setup(publisher.sink()) {
            publisher.publish_until_accepted(request).await?;
        }
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        for (number, kind) in KINDS.iter().enumerate() {
            let seed = seed.wrapping_mul(1000).wrapping_add(u64::from(round) * 100).wrapping_add(number as u64);
            let count = Arc::new(AtomicU64::new(0));
            for worker in 0..kind.workers {
                let random = StdRng::seed_from_u64(seed.wrapping_mul(16).wrapping_add(worker));
                let pause = kind.workers as f64 / (kind.per_second * factor);
                workers.spawn(work(kind, pause, Arc::clone(&publisher), Arc::clone(&count), random, stopped.clone()));
            }
        }
        Ok(Self { publisher, stop, workers })
    }

    /// Pauses the schedules and waits for publishes in progress.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for (id, ..) in SCHEDULES {
            self.publisher.publish_until_accepted(kinds::pause(id)).await?;
        }
        self.stop.send_replace(true);
        let ended = async { while self.workers.join_next().await.is_some() {} };
        if timeout(STOP, ended).await.is_err() {
            bail!("a publish did not end within {} s", STOP.as_secs());
        }
        Ok(())
    }
}

async fn work(
    kind: &'static Kind,
    pause: f64,
    publisher: Arc<Publisher>,
    count: Arc<AtomicU64>,
    mut random: StdRng,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let pause = Duration::from_secs_f64(pause * random.random_range(0.5..1.5));
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let request = (kind.request)(publisher.sink(), number, &mut random);
        let process = random.random_range(0..publisher.processes());
        if kind.name == KIND_DEDUPLICATED {
            let other = (process + 1) % publisher.processes();
            let (first, second) =
                (publisher.publish(process, number, &request), publisher.publish(other, number, &request));
            join(first, second).await;
            continue;
        }
        let messages = publisher.publish(process, number, &request).await;
        if kind.name == CANCELLED {
            sleep(Duration::from_millis(random.random_range(0..2500))).await;
            for id in messages {
                publisher.publish(process, number, &cancellation(&id)).await;
            }
        }
    }
}
