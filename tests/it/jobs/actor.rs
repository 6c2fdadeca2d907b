//! A job whose handler behaves as the test prescribes, and reports the starts and ends of its runs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sigpost_jobs::{Handler, Invalid, Job, JobContext, JobError, Outcome};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// Time limit for an event that must happen. Less than the 20 s after which a run without a successful heartbeat is
/// stopped.
const PATIENCE: Duration = Duration::from_secs(15);

/// The test's job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Play {
    pub(crate) scenes: Vec<u32>,
}

impl Job for Play {
    const TYPE: &'static str = "play";
    const ENDPOINT: &'static str = "/api/jobs/play";

    fn validate(&self) -> Result<(), Invalid> {
        if self.scenes.is_empty() { Err(Invalid::new("scenes", "must not be empty")) } else { Ok(()) }
    }
}

/// The behaviour of one run.
pub(crate) enum Act {
    /// Succeeds, with the number of scenes.
    Succeed,
    /// Like `Succeed`, after [`Stage::release`].
    SucceedWhenReleased,
    Fail(JobError),
    Panic,
}

/// How a run ended, from the handler's point of view.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It returned.
    Done,
    /// It was dropped, or it panicked.
    Stopped,
}

/// The test's handler.
pub(crate) struct Actor(Arc<Inner>);

/// The test's control of the handler.
pub(crate) struct Stage {
    inner: Arc<Inner>,
    started: mpsc::UnboundedReceiver<JobContext>,
    ended: mpsc::UnboundedReceiver<Ended>,
}

struct Inner {
    acts: Mutex<VecDeque<Act>>,
    runs: AtomicUsize,
    hold: Semaphore,
    started: mpsc::UnboundedSender<JobContext>,
    ended: mpsc::UnboundedSender<Ended>,
}

/// Creates a handler whose runs succeed by default.
pub(crate) fn actor() -> (Actor, Stage) {
    let (started_sender, started) = mpsc::unbounded_channel();
    let (ended_sender, ended) = mpsc::unbounded_channel();
    let inner = Arc::new(Inner {
        acts: Mutex::default(),
        runs: AtomicUsize::new(0),
        hold: Semaphore::new(0),
        started: started_sender,
        ended: ended_sender,
    });
    (Actor(Arc::clone(&inner)), Stage { inner, started, ended })
}

impl Stage {
    /// Sets the behaviour of the next runs.
    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.inner.acts.lock().expect("lock").extend(acts);
    }

    /// Releases one held run.
    pub(crate) fn release(&self) {
        self.inner.hold.add_permits(1);
    }

    /// Returns the number of runs that started.
    pub(crate) fn runs(&self) -> usize {
        self.inner.runs.load(Ordering::SeqCst)
    }

    /// Waits for the next run to start.
    pub(crate) async fn started(&mut self) -> JobContext {
        timeout(PATIENCE, self.started.recv()).await.expect("a run begins").expect("the handler lives")
    }

    /// Waits for the next run to end.
    pub(crate) async fn ended(&mut self) -> Ended {
        timeout(PATIENCE, self.ended.recv()).await.expect("a run ends").expect("the handler lives")
    }
}

/// Reports the end of a run, also when the run is dropped.
struct Running<'a> {
    ended: &'a mpsc::UnboundedSender<Ended>,
    done: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.ended.send(if self.done { Ended::Done } else { Ended::Stopped });
    }
}

impl Handler for Actor {
    type Job = Play;

    async fn run(&self, job: Play, ctx: &JobContext) -> Result<Outcome, JobError> {
        let Inner { acts, runs, hold, started, ended } = &*self.0;
        let mut running = Running { ended, done: false };
        runs.fetch_add(1, Ordering::SeqCst);
        let act = acts.lock().expect("lock").pop_front().unwrap_or(Act::Succeed);
        let _ = started.send(ctx.clone());
        let result = match act {
            Act::Succeed => Ok(Outcome::with(json!({ "scenes": job.scenes.len() }))),
            Act::SucceedWhenReleased => {
                hold.acquire().await.expect("open").forget();
                Ok(Outcome::with(json!({ "scenes": job.scenes.len() })))
            }
            Act::Fail(error) => Err(error),
            Act::Panic => panic!("the handler's secret"),
        };
        running.done = true;
        result
    }
}
