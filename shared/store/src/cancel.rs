//! Cancels messages: open messages are closed immediately; an attempt in flight loses its lease.

use std::marker::PhantomData;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::filter::{Filter, Matches};
use crate::search::{A_WALK, Found, Wanted, plan_for_searching, reaches, search};
use crate::{Database, Error, WakeUps};

/// Messages per statement: some tens of milliseconds.
const BATCH: usize = 1_000;
/// Maximum of message IDs in memory.
const NAMED: i64 = 50_000;
/// Number of retries, and the pause between them, for messages that other transactions have locked.
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The result of a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The message was open, and is now cancelled.
    Yes,
    /// The message had already ended in this state.
    AlreadyEnded(String),
    /// No message has this ID.
    Unknown,
}

/// The result of a bulk cancellation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelledMany {
    /// Number of cancelled messages.
    pub count: u64,
    /// The limits with freed slots.
    pub wake_ups: WakeUps,
}

statement! {
    /// Calls the function of the migration, which cancels all open messages: pending, blocked or in flight. It
    /// notifies the dispatchers, so that the holder of a lease aborts its attempt.
    CancelMessages { ids: &'a [Uuid] => Array<SqlUuid>, wait: bool => Bool } -> (SqlUuid, Bool, Array<Text>);
    "select message_id, cancelled, freed from cancel_messages(" {ids} "," {wait} ")"
}

statement! {
    State { id: Uuid => SqlUuid } -> Text;
    "select state::text from message_states where id = " {id}
}

/// Cancels one message. Waits for a transaction that has locked it, such as a claim.
pub async fn cancel(conn: &mut AsyncPgConnection, id: MessageId) -> Result<(Cancelled, WakeUps), Error> {
    let statement = CancelMessages { ids: &[id.0], wait: true, lifetime: PhantomData };
    let rows: Vec<(Uuid, bool, Vec<String>)> = statement.load(conn).await?;
    if let Some((_, true, freed)) = rows.into_iter().next() {
        return Ok((Cancelled::Yes, WakeUps::at_limits(freed)));
    }
    let states: Vec<String> = State { id: id.0, lifetime: PhantomData }.load(conn).await?;
    let ended = states.into_iter().next().map_or(Cancelled::Unknown, Cancelled::AlreadyEnded);
    Ok((ended, WakeUps::default()))
}

/// Cancels the matching open messages, at most `most`. It runs many short statements; after an error, earlier
/// cancellations persist.
///
/// Messages that another transaction has locked are retried, not waited for: statements that record outcomes lock
/// many messages as well, in another order, which could cause deadlocks.
pub async fn cancel_many(database: &Database, filter: &Filter, most: Option<u64>) -> Result<CancelledMany, Error> {
    let most = most.unwrap_or(u64::MAX);
    let mut all = CancelledMany::default();
    loop {
        let wanted = i64::try_from(most - all.count).unwrap_or(NAMED).min(NAMED);
        let named = open_messages(database, filter, wanted).await?;
        let before = all.count;
        let mut held = Vec::new();
        for batch in named.chunks(BATCH) {
            held.extend(cancel_batch(database, batch, &mut all).await?);
        }
        for _ in 0..TRIES {
            if held.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            held = cancel_batch(database, &held, &mut all).await?;
        }
        let all_named = i64::try_from(named.len()).is_ok_and(|count| count < wanted);
        if all_named || all.count == before || all.count >= most {
            return Ok(all);
        }
    }
}

/// Returns matching open messages, at most `most`.
async fn open_messages(database: &Database, filter: &Filter, most: i64) -> Result<Vec<Uuid>, Error> {
    let mut conn = database.connection().await?;
    conn.transaction(async |conn| {
        plan_for_searching(conn).await?;
        // Tries the open messages first: they may be few even if the history is long.
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

/// Selects the matching ones of the first `walk` open messages, at most `most`.
struct Open {
    matches: Matches,
    walk: i64,
    most: i64,
}

impl QueryFragment<Pg> for Open {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // One by one, since a join might read all messages.
        out.push_sql("select p.id from (select id from pending_deliveries limit ");
        out.push_bind_param::<BigInt, _>(&self.walk)?;
        out.push_sql(") p where exists (select from messages m where m.id = p.id and ");
        self.matches.walk_ast(out.reborrow())?;
        out.push_sql(" offset 0) limit ");
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

/// Cancels these messages and adds up the results. Returns those that another transaction has locked.
async fn cancel_batch(database: &Database, ids: &[Uuid], all: &mut CancelledMany) -> Result<Vec<Uuid>, Error> {
    let statement = CancelMessages { ids, wait: false, lifetime: PhantomData };
    let rows: Vec<(Uuid, bool, Vec<String>)> = statement.load(&mut *database.connection().await?).await?;
    let mut held = Vec::new();
    for (id, cancelled, freed) in rows {
        if cancelled {
            all.count += 1;
            freed.into_iter().for_each(|limit| all.wake_ups.add_limit(limit, Duration::ZERO));
        } else {
            held.push(id);
        }
    }
    Ok(held)
}
