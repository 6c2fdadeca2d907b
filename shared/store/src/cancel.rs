//! Cancel: open messages are closed at once; a delivery under way finds its lease gone.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::filter::{Filter, Matches};
use crate::search::{A_WALK, Found, Wanted, plan_for_searching, reaches, search};
use crate::{Database, Error};

/// Messages in one statement: some tens of milliseconds.
const BATCH: usize = 1_000;
/// Messages that are named at once, to bound what is kept in memory.
const NAMED: i64 = 50_000;
/// How often, and after which pause, those are tried again that others hold at that moment.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// What a cancel found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was open, and is now cancelled.
    Yes,
    /// It had already ended in this state.
    AlreadyEnded(String),
    /// There is no such message.
    Unknown,
}

statement! {
    /// Pending, waiting for a retry or in flight: all are open, and all are cancelled. Dispatchers
    /// are told, so that the one that holds it stops pushing.
    Cancel { id: Uuid => SqlUuid } -> (Bool, Nullable<Text>);
    "with wanted as (select " {id} " as id),
    cancelled as (
        update messages m set state = 'cancelled', due_at = null, lease_token = null, waits_for = null,
                              finished_at = now()
        from wanted where m.id = wanted.id and m.finished_at is null
        returning m.id
    ),
    logged as (
        insert into events (message_id, state)
        select id, state from cancelled, unnest(array['CANCEL_REQUESTED', 'CANCELED']::event_state[]) as state
    ),
    given_back as (delete from slots where message_id in (select id from cancelled)),
    told as (select pg_notify('sigpost', 'cancelled')::text from cancelled)
    select exists (select from cancelled), (select m.state::text from messages m join wanted using (id))
    from (select 1) one left join told on true"
}

/// Cancels one message.
pub async fn cancel(conn: &mut AsyncPgConnection, id: MessageId) -> Result<Cancelled, Error> {
    let statement = Cancel { id: id.0, lifetime: PhantomData };
    // The second column is read from before the update: with the first false, it is where the message ended.
    let (cancelled, state): (bool, Option<String>) = statement.get_result(conn).await?;
    Ok(match state {
        _ if cancelled => Cancelled::Yes,
        Some(state) => Cancelled::AlreadyEnded(state),
        None => Cancelled::Unknown,
    })
}

statement! {
    /// What somebody else has locked is left for the next try, so that nobody waits for anybody in a
    /// circle: those who record deliveries lock many messages as well, in an order of their own.
    CancelMany { ids: &'a [Uuid] => Array<SqlUuid> } -> (SqlUuid, Bool);
    "with wanted as materialized (
        select m.id from messages m join unnest(" {ids} ") as w(id) using (id) where m.finished_at is null
    ),
    free as materialized (
        select id from messages where id = any(array(select id from wanted)) and finished_at is null
        for update skip locked
    ),
    cancelled as (
        update messages set state = 'cancelled', due_at = null, lease_token = null, waits_for = null,
                            finished_at = now()
        where id = any(array(select id from free))
        returning id
    ),
    logged as (
        insert into events (message_id, state)
        select id, state from cancelled, unnest(array['CANCEL_REQUESTED', 'CANCELED']::event_state[]) as state
    ),
    given_back as (delete from slots where message_id in (select id from cancelled))
    select w.id, c.id is not null from wanted w left join cancelled c using (id)"
}

statement! {
    TellOfCancels {} -> Text;
    "select pg_notify('sigpost', 'cancelled')::text"
}

/// Cancels the open messages that match, at most `most` of them, and returns how many. Goes on over
/// many short statements; an error leaves what was cancelled cancelled.
pub async fn cancel_many(database: &Database, filter: &Filter, most: Option<u64>) -> Result<u64, Error> {
    let mut cancelled = 0;
    let result = cancel_in_batches(database, filter, most.unwrap_or(u64::MAX), &mut cancelled).await;
    if cancelled > 0 {
        TellOfCancels { lifetime: PhantomData }.execute(&mut *database.connection().await?).await?;
    }
    result.map(|()| cancelled)
}

async fn cancel_in_batches(database: &Database, filter: &Filter, most: u64, cancelled: &mut u64) -> Result<(), Error> {
    loop {
        let wanted = i64::try_from(most - *cancelled).unwrap_or(NAMED).min(NAMED);
        let named = open_messages(database, filter, wanted).await?;
        let before = *cancelled;
        let mut held = Vec::new();
        for batch in named.chunks(BATCH) {
            let (count, held_now) = cancel_batch(database, batch).await?;
            *cancelled += count;
            held.extend(held_now);
        }
        for _ in 0..TRIES {
            if held.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let (count, held_now) = cancel_batch(database, &held).await?;
            *cancelled += count;
            held = held_now;
        }
        let all_named = i64::try_from(named.len()).is_ok_and(|count| count < wanted);
        if all_named || *cancelled == before || *cancelled >= most {
            return Ok(());
        }
    }
}

/// Open messages that match, at most `most`.
async fn open_messages(database: &Database, filter: &Filter, most: i64) -> Result<Vec<Uuid>, Error> {
    let mut conn = database.connection().await?;
    conn.transaction(async |conn| {
        plan_for_searching(conn).await?;
        // There may be few that are open, whatever there was before.
        if filter.message_ids.is_none() {
            let near = Open { matches: filter.matches(), walk: A_WALK, most }.load(conn).await?;
            if reaches(&near, most) {
                return Ok(near);
            }
        }
        match search(conn, filter, Wanted::Open).await? {
            Found::These(mut ids) | Found::Until(mut ids, _) => {
                ids.truncate(usize::try_from(most).unwrap_or(usize::MAX));
                Ok(ids)
            }
            Found::Many => Ok(Open { matches: filter.matches(), walk: i64::MAX, most }.load(conn).await?),
        }
    })
    .await
}

/// Of the first `walk` open messages those that match, at most `most`.
struct Open {
    matches: Matches,
    walk: i64,
    most: i64,
}

impl QueryFragment<Pg> for Open {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // An open message either has a time at which it is due, or waits at a gate.
        out.push_sql(
            "select m.id from (
                select * from messages where finished_at is null and due_at is not null
                union all
                select * from messages where finished_at is null and waits_for is not null
                limit ",
        );
        out.push_bind_param::<BigInt, _>(&self.walk)?;
        out.push_sql(") m where ");
        self.matches.walk_ast(out.reborrow())?;
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.most)
    }
}

impl QueryId for Open {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Open {
    type SqlType = SqlUuid;
}

/// How many were cancelled, and which are open still because somebody holds them.
async fn cancel_batch(database: &Database, ids: &[Uuid]) -> Result<(u64, Vec<Uuid>), Error> {
    let statement = CancelMany { ids, lifetime: PhantomData };
    let rows: Vec<(Uuid, bool)> = statement.load(&mut *database.connection().await?).await?;
    let open = rows.len();
    let held: Vec<Uuid> = rows.into_iter().filter(|(_, cancelled)| !cancelled).map(|(id, _)| id).collect();
    Ok(((open - held.len()) as u64, held))
}
