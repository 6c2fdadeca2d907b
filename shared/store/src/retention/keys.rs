//! Deletes unused flow-control keys: many deployments create a key per customer.

use std::marker::PhantomData;

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::{BATCH, Cutoff};
use crate::{Database, Error};

statement! {
    /// Keys with manual settings stay: a message would create them again with other limits.
    ///
    /// An accept for a key that has not been updated for half a day updates it first (`gates::ensure_gates`). Either
    /// that update is visible here when the row is locked, and the key stays; or the accept waits for this
    /// transaction, and creates the key again.
    DeleteKeys { before_ms: i64 => BigInt, most: i64 => BigInt } -> BigInt;
    "with given as (select to_timestamp(" {before_ms} " / 1000.0) as cutoff),
    idle as materialized (
        select g.id from gates g, given
        where g.kind = 'flow_control' and not g.paused
          and not g.pinned_parallelism and not g.pinned_rate
          and g.updated_at < given.cutoff and (g.period_start is null or g.period_start < given.cutoff)
          and not exists (select from slots s where s.gate = g.id)
          and not exists (select from pending_deliveries p where p.limits @> array[g.id] and p.limits is not null)
        order by g.id limit " {most} " for update of g skip locked
    ),
    gone as (delete from gates where id = any(array(select id from idle)) returning id)
    select count(*) from gone"
}

pub(super) async fn delete_keys(database: &Database, cutoff: Cutoff) -> Result<i64, Error> {
    let statement = DeleteKeys { before_ms: cutoff.at_ms, most: BATCH, lifetime: PhantomData };
    Ok(statement.get_result(&mut database.connection().await?).await?)
}
