//! Retention: what is older than is kept goes, in short statements between which everybody else has their turn.
//!
//! One rule: a message goes as a whole when it ended before the cutoff, its dead letter with it.
//! Open messages stay, however old they are. Events go by day, as whole partitions.

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

/// Rows in one statement: some tens of milliseconds, so that nobody waits long for a lock or for the log.
const BATCH: i64 = 2_000;

/// What was deleted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// Finished messages.
    pub messages: i64,
    /// Dead letters of those messages.
    pub dead_letters: i64,
    /// Whole days of messages with their attempts, and of events of a release before.
    pub event_partitions: i64,
    /// Events of a release before that were in no partition of a day.
    pub events: i64,
    /// Deduplication keys that had expired, whatever their age.
    pub deduplications: i64,
    /// Runs that had ended.
    pub runs: i64,
    /// Records of effects, whose messages are gone.
    pub effects: i64,
    /// What became of e-mails.
    pub email_logs: i64,
    /// Notifications: old ones, and those that had expired, whatever their age.
    pub notifications: i64,
    /// What happened in organizations.
    pub activity_logs: i64,
    /// Events of Stripe that need not be known any more.
    pub stripe_events: i64,
    /// Alerts that are over.
    pub alerts: i64,
    /// Flow-control keys that nobody uses.
    pub flow_control_keys: i64,
}

/// How old something must be to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// Everything but what is named below. Events of Stripe are kept for 30 days at least.
    pub most: Duration,
    /// Activity logs.
    pub activity_logs: Duration,
}

/// How long activity logs are kept at least, unless somebody says otherwise: people look things up in them.
const ACTIVITY_LOGS_KEPT: Duration = Duration::from_secs(365 * 86_400);
/// How long an event of Stripe is remembered at least: for 30 days it can be sent again there, and
/// who does not know it any more does everything about it twice.
const STRIPE_EVENTS_KEPT: Duration = Duration::from_secs(30 * 86_400);

impl Ages {
    /// So old, and activity logs a year at least.
    pub fn of(most: Duration) -> Self {
        Self { most, activity_logs: most.max(ACTIVITY_LOGS_KEPT) }
    }
}

/// Deletes what is older than `ages` say, by the database's clock, and calls `progress` after each
/// statement. Several calls at once share the work. An error leaves what was deleted deleted: call
/// again later.
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
    // Last, because these steps give up when others are in their way.
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

/// A deletion under way.
struct Sweep<P> {
    deleted: Deleted,
    progress: P,
}

impl<P: FnMut(&Deleted) + Send> Sweep<P> {
    /// Deletes batches until one is not full, and counts there.
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

    /// Deletes batches in the order of their ids, each from where the last one ended.
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

/// A moment, and the least id of everything that was made after it.
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

/// Less than any id that is made in this millisecond or later.
pub(crate) fn first_id_of(at_ms: i64) -> Uuid {
    // RFC 9562, section 5.7: a UUIDv7 begins with 48 bits of milliseconds. The version in the
    // bits after them is more than zero, so this is less than any id of that millisecond.
    let ms = u128::from(at_ms.max(0).unsigned_abs());
    Uuid::from_u128(ms << 80)
}

/// A batch of rows walked over in the order of their ids.
struct Batch {
    deleted: i64,
    dead_letters: i64,
    /// Where the next batch continues: what was just deleted is not walked over again.
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
    /// As long as its message may be delivered again, an effect must be known.
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
    /// There are a few of each rule.
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
