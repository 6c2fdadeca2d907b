//! Flow-control keys that nobody uses any more: many deployments make a key per customer.

use std::marker::PhantomData;

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::{BATCH, Cutoff};
use crate::{Database, Error};

statement! {
    /// A key that somebody has set by hand stays: a message would make it anew with other bounds.
    ///
    /// Whoever accepts a message for a key that has not been touched for half a day touches it first
    /// (`gates::ensure_gates`). So either that is seen here, when the row is locked, and the key stays; or it
    /// waits for the end of this, and makes the key anew.
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
