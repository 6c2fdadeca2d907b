//! Named locks: a run holds a lock for its lifetime, and gets an increasing fencing number.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;

/// The result of [`acquire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The run holds the lock; its number is greater than that of every earlier holder.
    Held(i64),
    /// Another run holds the lock, for this time unless it renews its lease or ends.
    Busy(Duration),
}

statement! {
    /// A lock has the lease of its run. The lock's own row decides whether it is free: the upsert sees its current
    /// state, but the row of the holder's run only as of the statement's start.
    Acquire {
        name: &'a str => Text,
        run: Uuid => SqlUuid,
    } -> (Nullable<BigInt>, Nullable<Double>);
    "with wanted as (select " {name} " as name),
    taken as (
        insert into locks as l (name, fence, holder, lease_until)
        select wanted.name, 1, r.id, r.lease_until
        from wanted, job_executions r
        where r.id = " {run} " and r.lease_until > now()
        on conflict (name) do update set
            fence = case when l.holder = excluded.holder then l.fence else l.fence + 1 end,
            holder = excluded.holder,
            lease_until = excluded.lease_until
        where l.holder is null or l.lease_until <= now() or l.holder = excluded.holder
        returning fence
    )
    select (select fence from taken),
           (select extract(epoch from lease_until - now())::float8 from locks join wanted using (name))"
}

/// Acquires a lock for a run. Idempotent: the holder keeps its number.
pub async fn acquire(conn: &mut AsyncPgConnection, name: &str, run: Uuid) -> Result<Acquired, Error> {
    let statement = Acquire { name, run, lifetime: PhantomData };
    let (fence, left_s): (Option<i64>, Option<f64>) = statement.get_result(conn).await?;
    let left = left_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
    Ok(fence.map_or(Acquired::Busy(left), Acquired::Held))
}

statement! {
    Release { name: &'a str => Text, fence: i64 => BigInt, run: Uuid => SqlUuid } -> BigInt;
    "with released as (
        update locks set holder = null, lease_until = null
        where name = " {name} " and fence = " {fence} " and holder = " {run} "
        returning name
    )
    select count(*) from released"
}

/// Releases a lock before the run ends.
pub async fn release(conn: &mut AsyncPgConnection, name: &str, fence: i64, run: Uuid) -> Result<(), Error> {
    let _count: i64 = Release { name, fence, run, lifetime: PhantomData }.get_result(conn).await?;
    Ok(())
}
