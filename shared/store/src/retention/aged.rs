//! Deletes by age, from tables that differ only in names.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{BATCH, Batch, Cutoff};
use crate::{Database, Error};

/// IDs are ordered by age, so the primary key finds old rows: also those inserted late, whose time is old as well.
/// Rows that other transactions have locked are left for the next run.
macro_rules! delete_by_id {
    ($function:ident, $statement:ident, $table:literal, $time:literal, $condition:literal) => {
        statement! {
            $statement {
                after: Uuid => SqlUuid,
                before: Uuid => SqlUuid,
                before_ms: i64 => BigInt,
                most: i64 => BigInt,
            } -> (BigInt, BigInt, Nullable<SqlUuid>);
            "with old as materialized (
                select id from " $table "
                where id > " {after} " and id < " {before} "
                  and " $time " < to_timestamp(" {before_ms} " / 1000.0) and " $condition "
                order by id limit " {most} " for update skip locked
            ),
            gone as (delete from " $table " where id = any(array(select id from old)) returning id)
            select (select count(*) from gone), 0::bigint, (select id from old order by id desc limit 1)"
        }

        /// Deletes a batch of the IDs after this one.
        pub(super) async fn $function(
            database: &Database,
            cutoff: Cutoff,
            after: Uuid,
        ) -> Result<Option<Batch>, Error> {
            let (before, before_ms) = (cutoff.first_id, cutoff.at_ms);
            let statement = $statement { after, before, before_ms, most: BATCH, lifetime: PhantomData };
            Ok(Batch::new(statement.get_result(&mut database.connection().await?).await?))
        }
    };
}

// A run in progress stays, regardless of its age: it is a lease.
delete_by_id!(delete_runs, DeleteRuns, "job_executions", "created_at", "status <> 'processing'");
delete_by_id!(delete_notifications, DeleteNotifications, "notifications", "created_at", "true");
delete_by_id!(delete_activity_logs, DeleteActivityLogs, "activity_logs", "created_at", "true");

/// Deletes by a time that has an index.
macro_rules! delete_by_time {
    ($function:ident, $statement:ident, $table:literal, $key:literal, $time:literal) => {
        statement! {
            $statement { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
            "with gone as (
                delete from " $table " where " $key " = any(array(
                    select " $key " from " $table " where " $time " < to_timestamp(" {before_ms} " / 1000.0)
                    order by " $time " limit " {most} " for update skip locked
                ))
                returning " $key "
            )
            select count(*) from gone"
        }

        /// Deletes a batch.
        pub(super) async fn $function(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
            let statement = $statement { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
            Ok(statement.get_result(&mut database.connection().await?).await?)
        }
    };
}

// Later updates of an e-mail insert a row of their own.
delete_by_time!(delete_email_logs, DeleteEmailLogs, "email_logs", "id", "sent_at");
// By processing time: an old event of Stripe may have arrived yesterday.
delete_by_time!(delete_stripe_events, DeleteStripeEvents, "stripe_events", "id", "processed_at");
delete_by_time!(delete_expired_notifications, DeleteExpiredNotifications, "notifications", "id", "expires_at");
delete_by_time!(delete_deduplications, DeleteDeduplications, "deduplications", "key", "expires_at");
