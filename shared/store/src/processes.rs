//! The state of continuous dispatcher processes.
//!
//! Each of them reports every minute while messages are open, and otherwise a few times an hour.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_runtime::Memory;
use uuid::Uuid;

use crate::Error;

/// A report of a process.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// ID of the process, unique for its lifetime.
    pub id: Uuid,
    /// Name for display.
    pub name: &'a str,
    /// Memory use, if known.
    pub memory: Option<Memory>,
    /// Time since the listener disconnected; `None` while it is connected.
    pub disconnected_for: Option<Duration>,
}

statement! {
    /// Any reporting process deletes the rows of dead ones.
    Save {
        id: Uuid => SqlUuid,
        name: &'a str => Text,
        memory: Option<i64> => Nullable<BigInt>,
        memory_limit: Option<i64> => Nullable<BigInt>,
        disconnected_s: Option<f64> => Nullable<Double>,
    } -> Bool;
    "with reported as (
        insert into processes (id, name, seen_at, memory_bytes, memory_limit_bytes, deaf_since)
        values (" {id} "," {name} ", now(), " {memory} "," {memory_limit} ", now() - make_interval(secs => " {disconnected_s} "))
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

/// Saves the report of a process, and a sample of the open messages unless this minute has one. Returns whether
/// messages are open.
pub async fn save(conn: &mut AsyncPgConnection, report: &Report<'_>) -> Result<bool, Error> {
    let bytes = |which: fn(Memory) -> u64| report.memory.and_then(|memory| i64::try_from(which(memory)).ok());
    let statement = Save {
        id: report.id,
        name: report.name,
        memory: bytes(|memory| memory.used),
        memory_limit: bytes(|memory| memory.limit),
        disconnected_s: report.disconnected_for.map(|time| time.as_secs_f64()),
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}

statement! {
    Leave { id: Uuid => SqlUuid } -> SqlUuid;
    "delete from processes where id = " {id} " returning id"
}

/// Deletes the row of a process at its graceful shutdown.
pub async fn leave(conn: &mut AsyncPgConnection, id: Uuid) -> Result<(), Error> {
    let _: Vec<Uuid> = Leave { id, lifetime: PhantomData }.load(conn).await?;
    Ok(())
}

/// The last report of a process.
#[derive(Clone, Debug, Default, PartialEq, diesel::Queryable)]
pub struct Process {
    /// Host and process id.
    pub name: String,
    /// Share of the memory limit in use, if known.
    pub memory_share: Option<f64>,
    /// Time since the listener had disconnected, in seconds; `None` while it is connected.
    pub disconnected_s: Option<f64>,
}

statement! {
    /// If a container was restarted under its name, the newest row counts.
    Living {} -> (Text, Nullable<Double>, Nullable<Double>);
    "select distinct on (name) name, memory_bytes::float8 / nullif(memory_limit_bytes, 0),
            extract(epoch from seen_at - deaf_since)::float8
     from processes where seen_at >= now() - interval '20 minutes' order by name, seen_at desc"
}

/// Returns the processes with a report in the last twenty minutes.
pub async fn living(conn: &mut AsyncPgConnection) -> Result<Vec<Process>, Error> {
    Ok(Living { lifetime: PhantomData }.load(conn).await?)
}
