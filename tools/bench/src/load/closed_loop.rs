//! Closed loop: a fixed number of workers, each of which starts its next step after its last one.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::own_thread;

/// Warm-up time, in which connections are opened, statements prepared and caches filled.
const WARM_UP: Duration = Duration::from_millis(300);

/// Worker of the loop.
pub(crate) trait Worker: Send + 'static {
    /// Runs the step with this number. Returns the number of completed operations.
    fn step(&mut self, number: u64) -> impl Future<Output = Result<u64>> + Send;
}

/// When the loop ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// For this long after a warm-up.
    Window(Duration),
    /// Until this many steps are done. All of them count.
    Steps(u64),
}

/// The result of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Completed operations, including the warm-up.
    pub(crate) count: u64,
    /// Operations per second in the measured time.
    pub(crate) per_second: f64,
    /// CPU share of this thread, if the system provides it. Near 1, the load generator is the limit, not the server.
    pub(crate) busy: Option<f64>,
}

#[derive(Debug, Default)]
struct Shared {
    started: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
}

/// Runs the loop on the current runtime; the first error ends it.
pub(crate) async fn run<W: Worker>(workers: Vec<W>, extent: Extent) -> Result<Done> {
    let shared = Arc::new(Shared::default());
    let steps = match extent {
        Extent::Window(_) => u64::MAX,
        Extent::Steps(steps) => steps,
    };
    let (start, cpu_at_start) = (Instant::now(), own_thread::cpu_seconds());
    let mut loops = JoinSet::new();
    for worker in workers {
        loops.spawn(work(worker, steps, Arc::clone(&shared)));
    }
    let per_second = match extent {
        Extent::Window(window) => {
            let per_second = tokio::select! {
                error = first_error(&mut loops) => return Err(error),
                per_second = rate_of(&shared, window) => per_second,
            };
            shared.stop.store(true, Relaxed);
            finish(&mut loops).await?;
            per_second
        }
        Extent::Steps(_) => {
            finish(&mut loops).await?;
            shared.done.load(Relaxed) as f64 / start.elapsed().as_secs_f64()
        }
    };
    let busy = own_thread::cpu_seconds().zip(cpu_at_start).map(|(now, start)| now - start);
    Ok(Done {
        count: shared.done.load(Relaxed),
        per_second,
        busy: busy.map(|seconds| seconds / start.elapsed().as_secs_f64()),
    })
}

async fn work(mut worker: impl Worker, steps: u64, shared: Arc<Shared>) -> Result<()> {
    while !shared.stop.load(Relaxed) {
        let number = shared.started.fetch_add(1, Relaxed);
        if number >= steps {
            break;
        }
        let done = worker.step(number).await?;
        shared.done.fetch_add(done, Relaxed);
    }
    Ok(())
}

async fn rate_of(shared: &Shared, window: Duration) -> f64 {
    sleep(WARM_UP).await;
    let (before, from) = (shared.done.load(Relaxed), Instant::now());
    sleep(window).await;
    (shared.done.load(Relaxed) - before) as f64 / from.elapsed().as_secs_f64()
}

/// Waits for the first loop that fails. Loops with a window do not end otherwise.
async fn first_error(loops: &mut JoinSet<Result<()>>) -> Error {
    loop {
        match loops.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => return error,
            Some(Err(panicked)) => return panicked.into(),
            None => return Error::msg("the loop has no worker"),
        }
    }
}

async fn finish(loops: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = loops.join_next().await {
        ended.context("a worker panicked")??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tens {
        pause: Duration,
        fails_at: u64,
    }

    const QUICK: Tens = Tens { pause: Duration::ZERO, fails_at: u64::MAX };

    impl Worker for Tens {
        async fn step(&mut self, number: u64) -> Result<u64> {
            anyhow::ensure!(number != self.fails_at, "step {number} failed");
            sleep(self.pause).await;
            Ok(10)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_step_is_done_once_and_counted() {
        assert_eq!(run(vec![QUICK, QUICK, QUICK], Extent::Steps(100)).await.expect("no step fails").count, 1_000);
    }

    #[tokio::test(start_paused = true)]
    async fn first_failed_step_ends_the_loop() {
        for extent in [Extent::Steps(100), Extent::Window(Duration::from_secs(1))] {
            let error = run(vec![Tens { fails_at: 1, ..QUICK }], extent).await.expect_err("one step fails");
            assert_eq!(error.to_string(), "step 1 failed");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn window_ends_after_its_time() {
        let slow = Tens { pause: Duration::from_millis(10), ..QUICK };
        let done = run(vec![slow], Extent::Window(Duration::from_secs(1))).await;
        let count = done.expect("no step fails").count;
        assert!((1_290..=1_320).contains(&count), "130 steps of 10 in 1.3 s, not {count}");
    }
}
