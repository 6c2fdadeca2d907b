//! Waiting until a Postgres that was just started accepts connections.
//!
//! `postmaster.pid` is watched, as `pg_ctl` does it: its last line becomes `ready` when the server
//! accepts connections. That needs no Postgres client, and no attempt that the log would count
//! as a failed login.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    error::{Doing, Error},
    home::Home,
    postmaster::Postmaster,
    watchdog::Watchdog,
};

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the server on `port` is ready. Returns its process ID.
///
/// `started` is a time before the start: a file that an earlier server left is older.
pub(crate) fn wait(watchdog: &mut Watchdog, home: &Home, port: u16, started: SystemTime) -> Result<u32, Error> {
    let started_at = started.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ended = watchdog.ended().doing(|| "ask for the state of PostgreSQL".to_owned())?;
        if let Some(status) = ended {
            return Err(Error::EndedEarly { status: status.to_string(), log: home.end_of_log() });
        }
        if let Some(found) = Postmaster::read(&home.cluster())? {
            let is_this_start = found.port == Some(port) && found.started_at.is_some_and(|time| time >= started_at);
            if is_this_start && found.is_ready {
                return Ok(found.pid);
            }
        }
        if Instant::now() >= deadline {
            return Err(Error::NotReady { seconds: PATIENCE.as_secs(), log: home.end_of_log() });
        }
        thread::sleep(PAUSE);
    }
}

/// Whether a start failed because another program took the port first.
pub(crate) fn lost_the_port(error: &Error) -> bool {
    matches!(error, Error::EndedEarly { log, .. }
        if log.contains("could not bind") && log.contains("Address already in use"))
}
