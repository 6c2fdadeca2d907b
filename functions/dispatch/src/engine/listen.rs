//! The listener: notifications about accepted and cancelled messages, rotated keys and changed schedules.

use std::time::Duration;

use sigpost_store::Error;
use sigpost_store::signing_keys;
use sigpost_store::wake::{Listener, Notification};
use tokio::time::sleep;

use super::Engine;

/// Minimum interval of a process's notifications about accepted messages. A notification wakes every dispatcher, and
/// frequent ones would cost more than the deliveries.
pub(crate) const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// Delay of a second query after a notification: its sender may accept more messages within [`NOTICE_INTERVAL`] without
/// another notification, and crash. Includes a margin for a slow commit.
const SECOND_QUERY: Duration = Duration::from_millis(1250);
/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens on a separate connection. After each (re)connect it queries everything, because notifications may have been
/// missed. A lost connection also indicates a restart of Postgres.
pub(super) async fn listen(engine: Engine) {
    let mut was_lost = false;
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            Err(error) = pass_on(&engine, was_lost) => {
                was_lost = true;
                engine.set_deaf(true);
                tracing::warn!(%error, "notifications are off until the listener reconnects; timers continue");
            }
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

/// Handles notifications until the connection is lost.
async fn pass_on(engine: &Engine, was_lost: bool) -> Result<(), Error> {
    let mut listener = Listener::connect(&engine.0.database).await?;
    if was_lost {
        tracing::info!("the listener is connected again");
    }
    engine.set_deaf(false);
    engine.take_over_keys().await?;
    engine.wake_everything();
    engine.schedules_changed().notify_one();
    loop {
        match listener.next().await? {
            Notification::Look => {
                engine.wake_everything();
                engine.0.timers.query_again_in(SECOND_QUERY);
            }
            // Renewal detects a cancelled message of this process. A slot may be free.
            Notification::Cancelled => {
                engine.wake_everything();
                engine.renew_held_for(Duration::ZERO).await;
            }
            // Immediately, because a query can take long with a large backlog, and receivers reject signatures of an
            // old key.
            Notification::KeysRotated => engine.take_over_keys().await?,
            Notification::SchedulesChanged => engine.schedules_changed().notify_one(),
        }
    }
}

impl Engine {
    async fn take_over_keys(&self) -> Result<(), Error> {
        if let Some(keys) = signing_keys::find(&mut *self.0.database.connection().await?).await? {
            self.0.keys.replace(keys);
        }
        Ok(())
    }
}
