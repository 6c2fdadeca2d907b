//! Wake-ups of dispatchers: notifications, and the time at which the next message is due.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{Bool, Double, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::StreamExt;
use jiff::SignedDuration;
use sigpost_qstash::SigningKeys;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::database::suspicion;
use crate::wake_ups::time_until;
use crate::{Database, Error};

/// Timeout of the test of the listener.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);

/// The state that a dispatcher reads when it wakes up, in one statement.
#[derive(Debug)]
pub struct Snapshot {
    /// Time until a message is due: zero if one is due now, `None` without open messages.
    pub next_due_in: Option<Duration>,
    /// Time until the next pending message is due; negative if it has been due for that long. Unlike `next_due_in`,
    /// it excludes expiring leases of other dispatchers.
    pub next_pending_in: Option<SignedDuration>,
    /// Whether messages are blocked.
    pub is_any_blocked: bool,
    /// Time since a schedule is due; `None` if none is.
    pub schedule_due_for: Option<Duration>,
    /// The signing keys, which another process may have rotated.
    pub signing_keys: Option<SigningKeys>,
}

/// The search for a blocked message is ordered so that it reads the index, which is nearly always empty, and not the
/// table. The end of a lease matters only if no other message is due.
const SNAPSHOT: &str = "
    select extract(epoch from least(
               next.due_at,
               case when next.due_at is null or next.due_at > now() then (
                   select min(lease_until) from earliest_due
               ) end
           ) - now())::float8,
           extract(epoch from next.due_at - now())::float8,
           exists (select blocked_by from pending_deliveries where blocked_by is not null order by blocked_by),
           extract(epoch from now() - (select min(next_fire_at) from schedules where next_fire_at is not null))::float8,
           keys.current, keys.next
    from (
        select (
            select due_at from pending_deliveries where blocked_by is null and lease_until is null
            order by due_at, id limit 1
        ) as due_at
    ) next left join signing_keys keys on true";

type SnapshotRow = (Nullable<Double>, Nullable<Double>, Bool, Nullable<Double>, Nullable<Text>, Nullable<Text>);

statement! {
    SnapshotStatement {} -> SnapshotRow;
    [SNAPSHOT]
}

statement! {
    SnapshotAndSample {} -> SnapshotRow;
    "select snapshot.* from sample_queue(), (" [SNAPSHOT] ") snapshot"
}

/// Reads the state without changes.
pub async fn snapshot(conn: &mut AsyncPgConnection) -> Result<Snapshot, Error> {
    Ok(Snapshot::read(SnapshotStatement { lifetime: PhantomData }.get_result(conn).await?))
}

/// Reads the state, and saves a sample of the open messages unless this minute has one.
pub async fn snapshot_and_sample(conn: &mut AsyncPgConnection) -> Result<Snapshot, Error> {
    Ok(Snapshot::read(SnapshotAndSample { lifetime: PhantomData }.get_result(conn).await?))
}

type Row = (Option<f64>, Option<f64>, bool, Option<f64>, Option<String>, Option<String>);

impl Snapshot {
    fn read((due_s, pending_s, is_any_blocked, schedule_s, current, next): Row) -> Self {
        Self {
            next_due_in: due_s.map(time_until),
            next_pending_in: pending_s
                .map(|seconds| SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::MAX)),
            is_any_blocked,
            schedule_due_for: schedule_s.filter(|seconds| *seconds >= 0.0).map(time_until),
            signing_keys: current.zip(next).map(|(current, next)| SigningKeys { current, next }),
        }
    }

    /// Returns whether messages are open.
    pub fn is_anything_open(&self) -> bool {
        self.next_due_in.is_some() || self.is_any_blocked
    }
}

/// A connection that listens for notifications of accepts, cancels, key rotations and changed schedules.
pub struct Listener {
    connection: AsyncPgConnection,
    /// Changes when another connection of this process fails.
    suspicion: watch::Receiver<Option<std::time::Instant>>,
}

/// Notification kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification {
    /// Messages may be due, now or earlier than known.
    Look,
    /// A message was cancelled: a lease may be lost.
    Cancelled,
    /// The signing keys were rotated.
    KeysRotated,
    /// The time of a schedule's next firing has changed.
    SchedulesChanged,
}

impl Listener {
    /// Connects and listens, with one statement.
    pub async fn connect(database: &Database) -> Result<Self, Error> {
        let suspicion = suspicion::subscribe();
        let mut connection = database.dedicated_connection().await?;
        diesel::sql_query("listen sigpost").execute(&mut connection).await?;
        Ok(Self { connection, suspicion })
    }

    /// Returns the next notification. After an error the connection is closed, and notifications may have been
    /// missed.
    pub async fn next(&mut self) -> Result<Notification, Error> {
        let notification = loop {
            {
                let mut notifications = std::pin::pin!(self.connection.notifications_stream());
                tokio::select! {
                    notification = notifications.next() => break notification,
                    Ok(()) = self.suspicion.changed() => {}
                }
            }
            self.test().await?;
        };
        match notification {
            Some(Ok(notification)) => Ok(match notification.payload.as_str() {
                "cancelled" => Notification::Cancelled,
                "keys" => Notification::KeysRotated,
                "schedules" => Notification::SchedulesChanged,
                _ => Notification::Look,
            }),
            Some(Err(why)) => Err(Error::Unavailable(why.to_string())),
            None => Err(Error::Unavailable("the listening connection was closed".into())),
        }
    }

    /// Tests the connection: a connection that only listens does not detect a dead peer.
    async fn test(&mut self) -> Result<(), Error> {
        match timeout(TEST_TIMEOUT, self.connection.batch_execute("")).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Error::Unavailable("the listening connection does not respond".into())),
        }
    }
}

/// Makes all dispatchers query due messages, and rescan their limits.
pub async fn notify_dispatchers(conn: &mut AsyncPgConnection) -> Result<(), Error> {
    diesel::sql_query("select pg_notify('sigpost', '')").execute(conn).await?;
    Ok(())
}

/// Notifies the dispatchers that the keys were rotated.
pub(crate) async fn notify_of_keys(conn: &mut AsyncPgConnection) -> Result<(), Error> {
    diesel::sql_query("select pg_notify('sigpost', 'keys')").execute(conn).await?;
    Ok(())
}
