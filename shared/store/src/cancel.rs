//! Cancel: open messages are closed at once; a delivery under way finds its lease gone.

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

/// What a bulk cancel did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelledMany {
    /// How many messages it cancelled.
    pub count: u64,
    /// The limits that this freed.
    pub wake_ups: WakeUps,
}

statement! {
    /// See the function, in the migration: pending, blocked or in flight, all open messages are cancelled. It
    /// notifies the dispatchers, so that the one that holds a lease stops its delivery.
    CancelMessages { ids: &'a [Uuid] => Array<SqlUuid>, wait: bool => Bool } -> (SqlUuid, Bool, Array<Text>);
    "select message_id, cancelled, freed from cancel_messages(" {ids} "," {wait} ")"
}

statement! {
    State { id: Uuid => SqlUuid } -> Text;
    "select state::text from message_states where id = " {id}
}

/// Cancels one message. Waits for a transaction that works on it, such as the one that claims it.
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

/// Cancels the open messages that match, at most `most` of them. Goes on over many short statements; an error leaves
/// what was cancelled cancelled.
///
/// Messages that another transaction has locked are tried again instead of waited for: the statements that record
/// deliveries lock many messages as well, in an order of their own, and each would wait for the other.
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
        // One by one: a join might read all messages.
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

/// Cancels these and adds them up. Returns those that are still open, because another transaction holds them.
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
