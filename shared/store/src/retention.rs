//! Retention: deletes expired data, in short statements that let other transactions proceed.
//!
//! A message is deleted as a whole, with its dead letter, when it ended before the cutoff. Open messages stay,
//! regardless of their age. Events are dropped by day, as whole partitions.

mod aged;
mod days;
mod keys;

pub use self::days::ensure_days;

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Double};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use uuid::Uuid;

use crate::{Database, Error};

/// Rows per statement: some tens of milliseconds, to keep waits for locks and for the WAL short.
const BATCH: i64 = 2_000;

/// Counts of deleted rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// Finished messages.
    pub messages: i64,
    /// Dead letters of those messages.
    pub dead_letters: i64,
    /// Partitions of messages with their attempts, and of events of earlier releases.
    pub event_partitions: i64,
    /// Events of earlier releases in no partition of a day.
    pub events: i64,
    /// Expired deduplication keys.
    pub deduplications: i64,
    /// Runs that had ended.
    pub runs: i64,
    /// Recorded effects of deleted messages.
    pub effects: i64,
    /// E-mail logs.
    pub email_logs: i64,
    /// Notifications: old or expired ones.
    pub notifications: i64,
    /// Activity logs.
    pub activity_logs: i64,
    /// Processed events of Stripe.
    pub stripe_events: i64,
    /// Resolved alerts.
    pub alerts: i64,
    /// Unused flow-control keys.
    pub flow_control_keys: i64,
}

/// Retention periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// All data without a period of its own. Events of Stripe are kept for at least 30 days.
    pub most: Duration,
    /// Activity logs.
    pub activity_logs: Duration,
}

/// Default minimum retention of activity logs, which people search.
const ACTIVITY_LOGS_KEPT: Duration = Duration::from_secs(365 * 86_400);
/// Minimum retention of an event of Stripe: it can be sent again for 30 days, and would be processed twice if it were
/// deleted earlier.
const STRIPE_EVENTS_KEPT: Duration = Duration::from_secs(30 * 86_400);

impl Ages {
    /// Sets the retention to this period, and that of activity logs to at least a year.
    pub fn of(most: Duration) -> Self {
        Self { most, activity_logs: most.max(ACTIVITY_LOGS_KEPT) }
    }
}

/// Deletes data that is older than `ages`, by the database's clock, and calls `progress` after each statement.
/// Concurrent calls share the work. After an error, earlier deletions persist: call it again later.
pub async fn delete_older_than(
    database: &Database,
    ages: Ages,
    progress: impl FnMut(&Deleted) + Send,
) -> Result<Deleted, Error> {
    let now = find_cutoff(database, Duration::ZERO).await?;
    let cutoff = find_cutoff(database, ages.most).await?;
    let activities = find_cutoff(database, ages.activity_logs).await?;
    let stripe_events = find_cutoff(database, ages.most.max(STRIPE_EVENTS_KEPT)).await?;
    let mut sweep = Sweep { deleted: Deleted::default(), progress };

    sweep.walk(|deleted| &mut deleted.messages, |after| days::delete_messages(database, cutoff, after)).await?;
    sweep.walk(|deleted| &mut deleted.runs, |after| aged::delete_runs(database, cutoff, after)).await?;
    sweep.repeat(|deleted| &mut deleted.effects, || delete_effects(database, cutoff)).await?;
    sweep.repeat(|deleted| &mut deleted.deduplications, || aged::delete_deduplications(database, now)).await?;
    sweep.repeat(|deleted| &mut deleted.email_logs, || aged::delete_email_logs(database, cutoff)).await?;
    sweep.repeat(|deleted| &mut deleted.notifications, || aged::delete_expired_notifications(database, now)).await?;
    sweep
        .walk(|deleted| &mut deleted.notifications, |after| aged::delete_notifications(database, cutoff, after))
        .await?;
    sweep
        .walk(|deleted| &mut deleted.activity_logs, |after| aged::delete_activity_logs(database, activities, after))
        .await?;
    sweep.repeat(|deleted| &mut deleted.stripe_events, || aged::delete_stripe_events(database, stripe_events)).await?;
    sweep.repeat(|deleted| &mut deleted.alerts, || delete_alerts(database, cutoff)).await?;
    // After the messages that had them.
    sweep.repeat(|deleted| &mut deleted.flow_control_keys, || keys::delete_keys(database, cutoff)).await?;
    sweep.repeat(|deleted| &mut deleted.events, || days::delete_past_events(database, cutoff)).await?;
    // Last, because these steps give up when they would wait for a lock.
    while let Some(day) = days::drop_oldest_day(database, cutoff).await? {
        sweep.deleted.event_partitions += 1;
        sweep.deleted.messages += day.messages;
        sweep.deleted.dead_letters += day.dead_letters;
        (sweep.progress)(&sweep.deleted);
    }
    sweep.deleted.event_partitions += i64::from(days::drop_past_events(database, cutoff).await?);
    (sweep.progress)(&sweep.deleted);
    Ok(sweep.deleted)
}

/// A running deletion.
struct Sweep<P> {
    deleted: Deleted,
    progress: P,
}

impl<P: FnMut(&Deleted) + Send> Sweep<P> {
    /// Deletes batches until one is not full, and adds up the counts.
    async fn repeat<F>(
        &mut self,
        count: fn(&mut Deleted) -> &mut i64,
        delete: impl Fn() -> F + Send,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<i64, Error>> + Send,
    {
        loop {
            let gone = delete().await?;
            *count(&mut self.deleted) += gone;
            (self.progress)(&self.deleted);
            if gone < BATCH {
                return Ok(());
            }
        }
    }

    /// Deletes batches in the order of their IDs, each from the end of the last one.
    async fn walk<F>(
        &mut self,
        count: fn(&mut Deleted) -> &mut i64,
        delete: impl Fn(Uuid) -> F + Send,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Option<Batch>, Error>> + Send,
    {
        let mut after = Uuid::nil();
        while let Some(batch) = delete(after).await? {
            *count(&mut self.deleted) += batch.deleted;
            self.deleted.dead_letters += batch.dead_letters;
            (self.progress)(&self.deleted);
            after = batch.last;
        }
        Ok(())
    }
}

/// A time, and the least ID of rows created after it.
#[derive(Clone, Copy, Debug)]
struct Cutoff {
    at_ms: i64,
    first_id: Uuid,
}

impl Cutoff {
    fn new(at_ms: i64) -> Self {
        Self { at_ms, first_id: first_id_of(at_ms) }
    }
}

/// Returns an ID less than any that is created in this millisecond or later.
pub(crate) fn first_id_of(at_ms: i64) -> Uuid {
    // RFC 9562, section 5.7: a UUIDv7 begins with 48 bits of milliseconds. The version in the
    // bits after them is more than zero, so this is less than any id of that millisecond.
    let ms = u128::from(at_ms.max(0).unsigned_abs());
    Uuid::from_u128(ms << 80)
}

/// A batch of rows in the order of their IDs.
struct Batch {
    deleted: i64,
    dead_letters: i64,
    /// The ID after which the next batch continues.
    last: Uuid,
}

impl Batch {
    fn new((deleted, dead_letters, last): (i64, i64, Option<Uuid>)) -> Option<Self> {
        last.map(|last| Self { deleted, dead_letters, last })
    }
}

statement! {
    FindCutoff { age_s: f64 => Double } -> BigInt;
    "select (extract(epoch from now() - make_interval(secs => " {age_s} ")) * 1000)::bigint"
}

async fn find_cutoff(database: &Database, age: Duration) -> Result<Cutoff, Error> {
    let statement = FindCutoff { age_s: age.as_secs_f64(), lifetime: PhantomData };
    Ok(Cutoff::new(statement.get_result(&mut database.connection().await?).await?))
}

statement! {
    /// Effects are kept for as long as their message may be delivered again.
    DeleteEffects { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
    "with old as materialized (
        select message_id, name from effects e
        where created_at < to_timestamp(" {before_ms} " / 1000.0)
          and not exists (select from messages m where m.id = e.message)
        order by created_at limit " {most} " for update skip locked
    ),
    gone as (delete from effects e using old where e.message_id = old.message_id and e.name = old.name returning e.name)
    select count(*) from gone"
}

async fn delete_effects(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeleteEffects { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}

statement! {
    /// There are only a few per rule.
    DeleteAlerts { before_ms: i64 => BigInt } -> BigInt;
    "with gone as (delete from alerts where resolved_at < to_timestamp(" {before_ms} " / 1000.0) returning rule)
    select count(*) from gone"
}

async fn delete_alerts(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeleteAlerts { before_ms: cutoff.at_ms, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutoff_lies_between_the_ids_before_and_after_it() {
        let id_at = |ms: i64| {
            let (seconds, millis) = (ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
            let time =
                uuid::Timestamp::from_unix(uuid::NoContext, seconds, u32::try_from(millis).expect("ms") * 1_000_000);
            Uuid::new_v7(time)
        };
        let cutoff = Cutoff::new(1_763_800_000_123);
        assert!(id_at(1_763_800_000_122) < cutoff.first_id);
        assert!(cutoff.first_id < id_at(1_763_800_000_123));
        assert_eq!(Cutoff::new(-5).first_id, Uuid::nil());
    }
}
