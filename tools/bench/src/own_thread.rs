//! Separate thread and runtime for work that must not share a thread.

use std::future::Future;

use anyhow::{Context, Result};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs the work to its end on a new thread. If the caller drops this future, the work continues until the process ends.
pub(crate) async fn run<T, F>(name: &str, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let (sender, receiver) = oneshot::channel();
    let on_thread = move || {
        let runtime = Builder::new_current_thread().enable_all().build().context("the runtime cannot start");
        let _ = sender.send(runtime.and_then(|runtime| runtime.block_on(work())));
    };
    std::thread::Builder::new().name(name.into()).spawn(on_thread).context("a thread cannot start")?;
    receiver.await.with_context(|| format!("the thread {name:?} panicked"))?
}

/// Returns the CPU seconds of this thread, if the system provides them.
pub(crate) fn cpu_seconds() -> Option<f64> {
    // Linux: nanoseconds running, nanoseconds waiting for a CPU, time slices.
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedule.split_whitespace().next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}
