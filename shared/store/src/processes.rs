//! Processes that deliver all the time: how each of them is.
//!
//! Each reports every minute while there is something to do, and else a few times an hour.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_runtime::Memory;
use uuid::Uuid;

use crate::Error;

/// What a process says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Its own for as long as it lives.
    pub id: Uuid,
    /// For people.
    pub name: &'a str,
    /// Its memory, where that is known.
    pub memory: Option<Memory>,
    /// For how long no notifications have arrived; `None` while they do.
    pub deaf_for: Option<Duration>,
}

statement! {
    /// Rows of the dead are swept out by whoever comes next.
    Save {
        id: Uuid => SqlUuid,
        name: &'a str => Text,
        memory: Option<i64> => Nullable<BigInt>,
        memory_limit: Option<i64> => Nullable<BigInt>,
        deaf_s: Option<f64> => Nullable<Double>,
    } -> Bool;
    "with reported as (
        insert into processes (id, name, seen_at, memory_bytes, memory_limit_bytes, deaf_since)
        values (" {id} "," {name} ", now(), " {memory} "," {memory_limit} ", now() - make_interval(secs => " {deaf_s} "))
        on conflict (id) do update set
            seen_at = excluded.seen_at, memory_bytes = excluded.memory_bytes,
            memory_limit_bytes = excluded.memory_limit_bytes, deaf_since = excluded.deaf_since
        returning id
     ),
     swept as (
        delete from processes where id in (
            select id from processes where seen_at < now() - interval '1 day' for update skip locked
        ) and id <> (select id from reported)
     )
     select sample_queue()"
}

/// Says how a process is, and writes down how many messages are open unless somebody has done so in this
/// minute. Returns whether any are.
pub async fn save(conn: &mut AsyncPgConnection, report: &Report<'_>) -> Result<bool, Error> {
    let bytes = |which: fn(Memory) -> u64| report.memory.and_then(|memory| i64::try_from(which(memory)).ok());
    let statement = Save {
        id: report.id,
        name: report.name,
        memory: bytes(|memory| memory.used),
        memory_limit: bytes(|memory| memory.limit),
        deaf_s: report.deaf_for.map(|time| time.as_secs_f64()),
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}

statement! {
    Leave { id: Uuid => SqlUuid } -> SqlUuid;
    "delete from processes where id = " {id} " returning id"
}

/// Forgets a process, which stops in order.
pub async fn leave(conn: &mut AsyncPgConnection, id: Uuid) -> Result<(), Error> {
    let _: Vec<Uuid> = Leave { id, lifetime: PhantomData }.load(conn).await?;
    Ok(())
}

/// How a process was when it last said so.
#[derive(Clone, Debug, Default, PartialEq, diesel::Queryable)]
pub struct Process {
    /// Host and process id.
    pub name: String,
    /// The share of the memory that it may use, where that is known.
    pub memory_share: Option<f64>,
    /// For how long no notifications had arrived then, in seconds; `None` while they do.
    pub deaf_s: Option<f64>,
}

statement! {
    /// Where a container is started again under its name, the newest row is it.
    Living {} -> (Text, Nullable<Double>, Nullable<Double>);
    "select distinct on (name) name, memory_bytes::float8 / nullif(memory_limit_bytes, 0),
            extract(epoch from seen_at - deaf_since)::float8
     from processes where seen_at >= now() - interval '20 minutes' order by name, seen_at desc"
}

/// The processes that were heard of in the last twenty minutes.
pub async fn living(conn: &mut AsyncPgConnection) -> Result<Vec<Process>, Error> {
    Ok(Living { lifetime: PhantomData }.load(conn).await?)
}
