//! The driver of `serve` and `dev`: every process that delivers also fires what is due.

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
use crate::engine::Engine;

/// When to look again for schedules that are due and that others hold at this moment.
const CONTENDED: Duration = Duration::from_millis(50);
/// After an error. Schedules are late then, but none is lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Fires due schedules in this process, if it has an engine; others fire them if not.
pub(crate) struct LocalDriver {
    engine: Option<Engine>,
}

impl LocalDriver {
    /// Starts to fire. The loop is one of the engine's and ends with it; it is not the engine's look
    /// for due messages, because that waits for room, and a firing needs none.
    pub(crate) fn start(engine: Option<Engine>, database: Database, composer: Composer) -> Self {
        if let Some(engine) = engine.as_ref().filter(|engine| engine.is_always_awake()) {
            let firing = Firing { engine: engine.clone(), database, composer };
            engine.run_loop(firing.fire_when_due());
        }
        Self { engine }
    }
}

impl ScheduleDriver for LocalDriver {
    fn check(&self, _field: &str, _cron: &Cron) -> Result<(), ApiError> {
        Ok(())
    }

    /// Of what this driver fires in Lambda every tick is the time.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// The write has told the other processes already. Who wakes for what is deleted finds nothing.
    fn changed<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        if let Some(engine) = &self.engine {
            engine.schedules_changed().notify_one();
        }
        async { Ok(()) }.boxed()
    }
}

struct Firing {
    engine: Engine,
    database: Database,
    composer: Composer,
}

impl Firing {
    /// Fires when a schedule is due, and looks anew when one was changed. Does not poll: the engine's
    /// look sees a schedule that is due and was missed here.
    async fn fire_when_due(self) {
        loop {
            let fired = fire_all_due(&self.database, &self.composer, &self.engine, false).await;
            let wait = fired.unwrap_or_else(|error| {
                tracing::warn!(%error, pause_ms = PAUSE.as_millis(), "firing due schedules failed");
                PAUSE
            });
            tokio::select! {
                () = self.engine.stopping().cancelled() => return,
                () = self.engine.schedules_changed().notified() => {}
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
    engine: &Engine,
    rivals: bool,
) -> Result<Duration, Error> {
    let mut conn = database.connection().await?;
    let mut failed = Vec::new();
    // Schedules to fire one by one, because they could not be fired together.
    let mut single = 0_usize;
    loop {
        match next_firing_in(&mut conn).await? {
            Some(Duration::ZERO) => {}
            next => return Ok(next.unwrap_or(Duration::MAX)),
        }
        let mut any = false;
        while !engine.stopping().is_cancelled() {
            let most = if single > 0 { 1 } else { BATCH };
            single = single.saturating_sub(1);
            match fire_next(&mut conn, composer, rivals, &failed, most).await? {
                Turn::Fired(stored) => {
                    announce(engine, &stored);
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
