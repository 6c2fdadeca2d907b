//! What the handlers' own tables no longer need.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{BATCH, Batch, Cutoff};
use crate::{Database, Error};

/// How long an event of Stripe is remembered at least: for 30 days it can be sent again there, and
/// who does not know it any more does everything about it twice.
pub(super) const STRIPE_EVENTS_KEPT: Duration = Duration::from_secs(30 * 86_400);

statement! {
    /// News that come later make a row of their own.
    DeleteEmailLogs { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
    "with gone as (
        delete from email_logs where id = any(array(
            select id from email_logs where sent_at < to_timestamp(" {before_ms} " / 1000.0)
            order by sent_at limit " {most} " for update skip locked
        ))
        returning id
    )
    select count(*) from gone"
}

pub(super) async fn delete_email_logs(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeleteEmailLogs { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}

statement! {
    DeleteExpiredNotifications { most: i64 => BigInt } -> BigInt;
    "with gone as (
        delete from notifications where id = any(array(
            select id from notifications where expires_at <= now()
            order by expires_at limit " {most} " for update skip locked
        ))
        returning id
    )
    select count(*) from gone"
}

pub(super) async fn delete_expired_notifications(database: &Database) -> Result<i64, Error> {
    let statement = DeleteExpiredNotifications { most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}

statement! {
    /// As with messages: the primary key finds what is old.
    DeleteNotifications {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        before_ms: i64 => BigInt,
        most: i64 => BigInt,
    } -> (BigInt, BigInt, Nullable<SqlUuid>);
    "with old as materialized (
        select id from notifications
        where id > " {after} " and id < " {before} " and created_at < to_timestamp(" {before_ms} " / 1000.0)
        order by id limit " {most} " for update skip locked
    ),
    gone as (delete from notifications where id = any(array(select id from old)) returning id)
    select (select count(*) from gone), 0::bigint, (select id from old order by id desc limit 1)"
}

pub(super) async fn delete_notifications(
    database: &Database,
    cutoff: Cutoff,
    after: Uuid,
) -> Result<Option<Batch>, Error> {
    let statement = DeleteNotifications {
        after,
        before: cutoff.first_id,
        before_ms: cutoff.at_ms,
        most: BATCH,
        lifetime: PhantomData,
    };
    Ok(Batch::new(statement.get_result(&mut database.connection().await?).await?))
}

statement! {
    /// What is written down late is old by both its id and its time.
    DeleteActivityLogs {
        after: Uuid => SqlUuid,
        before: Uuid => SqlUuid,
        before_ms: i64 => BigInt,
        most: i64 => BigInt,
    } -> (BigInt, BigInt, Nullable<SqlUuid>);
    "with old as materialized (
        select id from activity_logs
        where id > " {after} " and id < " {before} " and created_at < to_timestamp(" {before_ms} " / 1000.0)
        order by id limit " {most} " for update skip locked
    ),
    gone as (delete from activity_logs where id = any(array(select id from old)) returning id)
    select (select count(*) from gone), 0::bigint, (select id from old order by id desc limit 1)"
}

pub(super) async fn delete_activity_logs(
    database: &Database,
    cutoff: Cutoff,
    after: Uuid,
) -> Result<Option<Batch>, Error> {
    let statement = DeleteActivityLogs {
        after,
        before: cutoff.first_id,
        before_ms: cutoff.at_ms,
        most: BATCH,
        lifetime: PhantomData,
    };
    Ok(Batch::new(statement.get_result(&mut database.connection().await?).await?))
}

statement! {
    /// By when they were processed: what happened at Stripe long ago may have come yesterday.
    DeleteStripeEvents { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
    "with gone as (
        delete from stripe_events where id = any(array(
            select id from stripe_events where processed_at < to_timestamp(" {before_ms} " / 1000.0)
            order by processed_at limit " {most} " for update skip locked
        ))
        returning id
    )
    select count(*) from gone"
}

pub(super) async fn delete_stripe_events(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeleteStripeEvents { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}
