//! Dispatchers that are awake only now and then: who is, and has room.
//!
//! Who accepts a message commits it first and then asks here whether somebody awake will see it. Who
//! falls asleep deletes its row first and then looks once more. So one of the two sees the message,
//! whatever the order, and no lock is needed.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::sql_types::{BigInt, Bool, Double, Integer, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;

/// How long a dispatcher counts as awake after its last beat. It beats every third of that.
pub const ALIVE: Duration = Duration::from_secs(3);

statement! {
    /// Rows of the dead are swept out by whoever comes next.
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

/// Becomes an awake dispatcher, unless one with room is awake already, or `most` are. False says
/// that those who are awake will see whatever was committed before this call.
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
    /// Changes only a row that is there: a beat that arrives after the dispatcher has left wakes nobody.
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

/// Stays awake, with so much room. Returns how many others are.
pub async fn beat(conn: &mut AsyncPgConnection, id: Uuid, room: usize) -> Result<usize, Error> {
    let room = i32::try_from(room).unwrap_or(i32::MAX);
    let others: i64 = Beat { alive_s: ALIVE.as_secs_f64(), room, id, lifetime: PhantomData }.get_result(conn).await?;
    Ok(usize::try_from(others).unwrap_or(0))
}

statement! {
    Leave { id: Uuid => SqlUuid } -> SqlUuid;
    "delete from dispatchers where id = " {id} " returning id"
}

/// Falls asleep. What is accepted from now on is left to others; look once more for what was left to this one.
pub async fn leave(conn: &mut AsyncPgConnection, id: Uuid) -> Result<(), Error> {
    let _: Vec<Uuid> = Leave { id, lifetime: PhantomData }.load(conn).await?;
    Ok(())
}
