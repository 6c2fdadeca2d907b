//! The driver of `serve` and `dev`: every dispatcher also fires due schedules.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sigpost_qstash::Cron;
use sigpost_runtime::ApiError;
use sigpost_store::schedules::next_firing_in;
use sigpost_store::{Database, Error};
use tokio::time::sleep;

use super::fire::{BATCH, Turn, fire_next};
use super::{Composer, ScheduleDriver, announce};
use crate::dispatcher::Dispatcher;

/// When to query again for due schedules that other transactions have locked.
const CONTENDED: Duration = Duration::from_millis(50);
/// The pause after an error. Schedules are delayed, but not lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Fires due schedules in this process if it delivers; otherwise other processes do.
pub(crate) struct LocalDriver {
    dispatcher: Option<Dispatcher>,
}

impl LocalDriver {
    /// Starts the loop, which ends with the dispatcher. It is separate from the query for due messages, which waits for
    /// room, because a firing needs none.
    pub(crate) fn start(dispatcher: Option<Dispatcher>, database: Database, composer: Composer) -> Self {
        if let Some(dispatcher) = dispatcher.as_ref().filter(|dispatcher| dispatcher.is_always_awake()) {
            let firing = Firing { dispatcher: dispatcher.clone(), database, composer };
            dispatcher.run_loop(firing.fire_when_due());
        }
        Self { dispatcher }
    }
}

impl ScheduleDriver for LocalDriver {
    fn check(&self, _field: &str, _cron: &Cron) -> Result<(), ApiError> {
        Ok(())
    }

    /// In Lambda this driver fires at each tick.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Wakes the loop. The statement of the change has notified the other processes.
    fn changed<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        if let Some(dispatcher) = &self.dispatcher {
            dispatcher.schedules_changed().notify_one();
        }
        async { Ok(()) }.boxed()
    }
}

struct Firing {
    dispatcher: Dispatcher,
    database: Database,
    composer: Composer,
}

impl Firing {
    /// Fires when a schedule is due, and queries again when one was changed. Does not poll: the dispatcher's query finds
    /// due schedules that were missed here.
    async fn fire_when_due(self) {
        loop {
            let fired = fire_all_due(&self.database, &self.composer, &self.dispatcher, false).await;
            let wait = fired.unwrap_or_else(|error| {
                tracing::warn!(%error, pause_ms = PAUSE.as_millis(), "firing due schedules failed");
                PAUSE
            });
            tokio::select! {
                () = self.dispatcher.stopping().cancelled() => return,
                () = self.dispatcher.schedules_changed().notified() => {}
                () = sleep(wait) => {}
            }
        }
    }
}

/// Fires until nothing is due, or other transactions have locked all due schedules. One statement when nothing is due.
/// Returns the time until the next firing. With `rivals` another process fires the same schedules by id and time.
pub(crate) async fn fire_all_due(
    database: &Database,
    composer: &Composer,
    dispatcher: &Dispatcher,
    rivals: bool,
) -> Result<Duration, Error> {
    let mut conn = database.connection().await?;
    let mut failed = Vec::new();
    // Schedules to fire one by one, because firing them together failed.
    let mut single = 0_usize;
    loop {
        match next_firing_in(&mut conn).await? {
            Some(Duration::ZERO) => {}
            next => return Ok(next.unwrap_or(Duration::MAX)),
        }
        let mut any = false;
        while !dispatcher.stopping().is_cancelled() {
            let most = if single > 0 { 1 } else { BATCH };
            single = single.saturating_sub(1);
            match fire_next(&mut conn, composer, rivals, &failed, most).await? {
                Turn::Fired(stored) => {
                    announce(dispatcher, &stored);
                    any = true;
                }
                Turn::Failed(ids) if ids.len() > 1 => single = ids.len(),
                Turn::Failed(ids) => failed.extend(ids),
                Turn::NothingDue => break,
            }
        }
        if !any {
            return Ok(CONTENDED);
        }
    }
}
