//! Notifications: other processes accepted messages, cancelled some, rotated the keys or changed schedules.

use std::time::Duration;

use sigpost_store::Error;
use sigpost_store::signing_keys;
use sigpost_store::wake::{Listener, Notification};
use tokio::time::sleep;

use super::Engine;

/// A process notifies the others of what it accepts at most this often: a notification wakes every dispatcher, and
/// many of them would cost more than the deliveries.
pub(crate) const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// After a notification its sender may accept more for [`NOTICE_INTERVAL`] without another, and crash. Then it is time
/// for a second query, with a margin for a slow commit.
const SECOND_QUERY: Duration = Duration::from_millis(1250);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens, on a connection of its own. After each (re)connect it does what notifications would have
/// asked for, because some may have been missed; a lost connection is also how a restarted Postgres is noticed.
pub(super) async fn listen(engine: Engine) {
    let mut was_lost = false;
    loop {
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            Err(error) = pass_on(&engine, was_lost) => {
                was_lost = true;
                engine.set_deaf(true);
                tracing::warn!(%error, "notifications are off until the database is back; timers go on");
            }
        }
        tokio::select! {
            () = engine.0.stopping.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

/// Passes notifications on until the connection is lost.
async fn pass_on(engine: &Engine, was_lost: bool) -> Result<(), Error> {
    let mut listener = Listener::connect(&engine.0.database).await?;
    if was_lost {
        tracing::info!("the database is back, and notifications are on");
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
            // Renewing finds out whether the lease is one of ours. A slot may be free.
            Notification::Cancelled => {
                engine.wake_everything();
                engine.renew_held_for(Duration::ZERO).await;
            }
            // Not left to the next query: a long backlog is one, and what is signed with a key that was rotated away
            // is rejected.
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
