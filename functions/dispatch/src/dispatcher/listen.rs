//! The listener: notifications about accepted and cancelled messages, rotated keys and changed schedules.

use std::time::Duration;

use sigpost_store::Error;
use sigpost_store::signing_keys;
use sigpost_store::wake::{Listener, Notification};
use tokio::time::sleep;

use super::Dispatcher;

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
pub(super) async fn listen(dispatcher: Dispatcher) {
    let mut was_lost = false;
    loop {
        tokio::select! {
            () = dispatcher.0.stopping.cancelled() => return,
            Err(error) = pass_on(&dispatcher, was_lost) => {
                was_lost = true;
                dispatcher.set_disconnected(true);
                tracing::warn!(%error, "notifications are off until the listener reconnects; timers continue");
            }
        }
        tokio::select! {
            () = dispatcher.0.stopping.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

/// Handles notifications until the connection is lost.
async fn pass_on(dispatcher: &Dispatcher, was_lost: bool) -> Result<(), Error> {
    let mut listener = Listener::connect(&dispatcher.0.database).await?;
    if was_lost {
        tracing::info!("the listener is connected again");
    }
    dispatcher.set_disconnected(false);
    dispatcher.take_over_keys().await?;
    dispatcher.wake_everything();
    dispatcher.schedules_changed().notify_one();
    loop {
        match listener.next().await? {
            Notification::Look => {
                dispatcher.wake_everything();
                dispatcher.0.timers.query_again_in(SECOND_QUERY);
            }
            // Renewal detects a cancelled message of this process. A slot may be free.
            Notification::Cancelled => {
                dispatcher.wake_everything();
                dispatcher.renew_held_for(Duration::ZERO).await;
            }
            // Immediately, because a query can take long with a large backlog, and receivers reject signatures of an
            // old key.
            Notification::KeysRotated => dispatcher.take_over_keys().await?,
            Notification::SchedulesChanged => dispatcher.schedules_changed().notify_one(),
        }
    }
}

impl Dispatcher {
    async fn take_over_keys(&self) -> Result<(), Error> {
        if let Some(keys) = signing_keys::find(&mut *self.0.database.connection().await?).await? {
            self.0.keys.replace(keys);
        }
        Ok(())
    }
}
