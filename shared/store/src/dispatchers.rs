//! Active dispatchers of Lambda, with their free capacity.
//!
//! An accept commits the message first and then checks here whether an active dispatcher will find it. A dispatcher
//! that stops deletes its row first and then queries once more. So one of the two finds the message, in either order,
//! without a lock.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Integer, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;

/// Time after its last heartbeat for which a dispatcher counts as active. The heartbeat interval is a third of it.
pub const ALIVE: Duration = Duration::from_secs(3);

statement! {
    /// Any entering dispatcher deletes the rows of dead ones.
    Enter {
        id: Uuid => SqlUuid,
        alive_s: f64 => Double,
        room: i32 => Integer,
        most: i64 => BigInt,
    } -> Bool;
    "with awake as (select room from dispatchers where alive_until > now()),
     swept as (
        delete from dispatchers where id in (
            select id from dispatchers where alive_until < now() - interval '1 minute' for update skip locked
        )
     ),
     entered as (
        insert into dispatchers (id, alive_until, room)
        select " {id} ", now() + make_interval(secs => " {alive_s} "), " {room} "
        where not exists (select from awake where room > 0) and (select count(*) from awake) < " {most} "
        returning id
     )
     select exists (select from entered)"
}

/// Registers a dispatcher as active, unless an active one has free capacity, or `most` are active. Returns `false` if
/// the active dispatchers will find everything that was committed before this call.
pub async fn enter(conn: &mut AsyncPgConnection, id: Uuid, room: usize, most: usize) -> Result<bool, Error> {
    let statement = Enter {
        id,
        alive_s: ALIVE.as_secs_f64(),
        room: i32::try_from(room).unwrap_or(i32::MAX),
        most: i64::try_from(most).unwrap_or(i64::MAX),
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}

statement! {
    /// Updates only an existing row: a heartbeat after the dispatcher has left has no effect.
    Beat {
        alive_s: f64 => Double,
        room: i32 => Integer,
        id: Uuid => SqlUuid,
    } -> BigInt;
    "with beaten as (
        update dispatchers set alive_until = now() + make_interval(secs => " {alive_s} "), room = " {room} "
        where id = " {id} "
     )
     select count(*) - 1 from dispatchers where alive_until > now()"
}

/// Sends a heartbeat with the free capacity. Returns the number of other active dispatchers.
pub async fn beat(conn: &mut AsyncPgConnection, id: Uuid, room: usize) -> Result<usize, Error> {
    let room = i32::try_from(room).unwrap_or(i32::MAX);
    let others: i64 = Beat { alive_s: ALIVE.as_secs_f64(), room, id, lifetime: PhantomData }.get_result(conn).await?;
    Ok(usize::try_from(others).unwrap_or(0))
}

statement! {
    Leave { id: Uuid => SqlUuid } -> SqlUuid;
    "delete from dispatchers where id = " {id} " returning id"
}

/// Unregisters a dispatcher. Other dispatchers handle later accepts; query once more for earlier ones.
pub async fn leave(conn: &mut AsyncPgConnection, id: Uuid) -> Result<(), Error> {
    let _: Vec<Uuid> = Leave { id, lifetime: PhantomData }.load(conn).await?;
    Ok(())
}
