//! Queues: FIFO delivery with at most `parallelism` messages in flight.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::cancel::CancelledMany;
use crate::gates::of_queue;
use crate::page::{Page, Paged};
use crate::{Error, WakeUps};

/// A queue with the size of its backlog.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Maximum of messages in flight.
    pub parallelism: i32,
    /// Whether deliveries are paused. A paused queue accepts messages.
    pub paused: bool,
    /// Messages in it that have not ended.
    pub lag: i64,
    /// In milliseconds since 1970.
    pub created_at_ms: i64,
    /// The last change of its settings, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

statement! {
    /// Selects the queue of this name, or all queues after the given one.
    List { name: Option<&'a str> => Nullable<Text>, after: &'a str => Text, count: i64 => BigInt }
    -> ((Text, Integer, Bool, BigInt, BigInt, BigInt), Bool);
    "select name, parallelism, paused,
            (select count(*) from pending_deliveries where limits @> array[g.id] and limits is not null),
            floor(extract(epoch from created_at) * 1000)::bigint, floor(extract(epoch from updated_at) * 1000)::bigint,
            has_more
     from (
        select g.*, lead(name) over (order by name) is not null as has_more
        from (
            select g.* from gates g, (select " {name} "::text as wanted) as one
            where kind = 'queue' and (wanted is null or name = wanted) and name > " {after} "
            order by name limit " {count} " + 1
        ) g
     ) g order by name limit " {count}
}

/// Returns the queues by name.
pub async fn list(conn: &mut AsyncPgConnection, page: Page<'_>) -> Result<Paged<Queue>, Error> {
    let rows: Vec<(Queue, bool)> =
        List { name: None, after: page.after, count: page.count, lifetime: PhantomData }.load(conn).await?;
    Ok(Paged::of(rows, |queue| queue.name.clone()))
}

/// Returns the queue of this name.
pub async fn find(conn: &mut AsyncPgConnection, name: &str) -> Result<Option<Queue>, Error> {
    let found: Vec<(Queue, bool)> =
        List { name: Some(name), after: "", count: 1, lifetime: PhantomData }.load(conn).await?;
    Ok(found.into_iter().next().map(|(queue, _)| queue))
}

statement! {
    Upsert { id: String => Text, name: &'a str => Text, parallelism: i32 => Integer, paused: bool => Bool } -> BigInt;
    "with changed as (
        insert into gates (id, kind, name, parallelism, paused)
        values (" {id} ", 'queue', " {name} "," {parallelism} "," {paused} ")
        on conflict (id) do update set
            parallelism = excluded.parallelism, paused = excluded.paused, updated_at = now()
        returning id
    )
    select count(*) from changed, lateral (select pg_notify('sigpost', '')) as told"
}

/// Creates the queue or changes its settings, and notifies the dispatchers.
pub async fn upsert(
    conn: &mut AsyncPgConnection,
    name: &str,
    parallelism: i32,
    paused: bool,
) -> Result<WakeUps, Error> {
    let statement = Upsert { id: of_queue(name), name, parallelism, paused, lifetime: PhantomData };
    statement.get_result::<i64>(conn).await?;
    Ok(WakeUps::at_limits([of_queue(name)]))
}

statement! {
    SetPaused { id: String => Text, paused: bool => Bool } -> BigInt;
    "with changed as (
        update gates set paused = " {paused} ", updated_at = now() where id = " {id} " returning id
    )
    select count(*) from changed, lateral (select pg_notify('sigpost', '')) as told"
}

/// Pauses or resumes the queue, and notifies the dispatchers. `None` if there is no queue of this name.
pub async fn set_paused(conn: &mut AsyncPgConnection, name: &str, paused: bool) -> Result<Option<WakeUps>, Error> {
    let changed: i64 = SetPaused { id: of_queue(name), paused, lifetime: PhantomData }.get_result(conn).await?;
    Ok((changed == 1).then(|| WakeUps::at_limits([of_queue(name)])))
}

statement! {
    /// Blocks accepts and other deletes, but not references to the queue's row.
    Lock { id: String => Text } -> Text;
    "select id from gates where id = " {id} " for no key update"
}

statement! {
    /// Waits for uncommitted accepts that have found the queue, and blocks further ones.
    LockOut { id: String => Text } -> Text;
    "select id from gates where id = " {id} " for update"
}

statement! {
    CancelAll { id: String => Text } -> (BigInt, Array<Text>);
    "with done as materialized (
        select * from cancel_messages(
            array(select id from pending_deliveries where limits @> array[" {id} "] and limits is not null),
            true
        )
    )
    select (select count(*) from done where cancelled), array(select distinct unnest(freed) from done)"
}

statement! {
    /// Callbacks of its messages may continue; the queue no longer waits for them.
    DeleteSlots { id: String => Text } -> BigInt;
    "with gone as (delete from slots where gate = " {id} " returning gate) select count(*) from gone"
}

statement! {
    Delete { id: String => Text } -> BigInt;
    "with gone as (delete from gates where id = " {id} " returning id) select count(*) from gone"
}

/// Deletes the queue, and cancels its open messages. `None` if there is no such queue.
///
/// At first, other transactions may still refer to the queue: one that ends a message of the queue has locked that
/// message, and may then need the queue for a callback; locking both here could deadlock. If a message enters the
/// queue meanwhile, the delete fails and is retried; if more messages keep coming, they are locked out.
pub async fn delete(conn: &mut AsyncPgConnection, name: &str) -> Result<Option<CancelledMany>, Error> {
    for _ in 0..2 {
        match delete_once(conn, name, false).await {
            Err(Error::Rejected(_) | Error::Busy(_)) => {}
            result => return result,
        }
    }
    delete_once(conn, name, true).await
}

async fn delete_once(conn: &mut AsyncPgConnection, name: &str, lock_out: bool) -> Result<Option<CancelledMany>, Error> {
    let id = || of_queue(name);
    conn.transaction(async |conn| {
        let found: Vec<String> = match lock_out {
            true => LockOut { id: id(), lifetime: PhantomData }.load(conn).await?,
            false => Lock { id: id(), lifetime: PhantomData }.load(conn).await?,
        };
        if found.is_empty() {
            return Ok(None);
        }
        let (count, freed): (i64, Vec<String>) = CancelAll { id: id(), lifetime: PhantomData }.get_result(conn).await?;
        DeleteSlots { id: id(), lifetime: PhantomData }.get_result::<i64>(conn).await?;
        Delete { id: id(), lifetime: PhantomData }.get_result::<i64>(conn).await?;
        Ok(Some(CancelledMany { count: count.unsigned_abs(), wake_ups: WakeUps::at_limits(freed) }))
    })
    .await
}
