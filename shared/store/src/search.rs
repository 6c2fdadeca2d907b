//! Search: finds the messages of a [`Filter`] without reading a whole table.
//!
//! A page is searched in two steps. First the nearest [`A_WALK`] rows are compared one by one in the requested order,
//! which finds common values. Only then the indexes are queried, for rare or distant values: the index with the
//! fewest messages is read completely, and of these the messages whose rows can be on the page ([`Wanted::Nearest`]).
//! If each index has more than [`MANY`] messages, the value is so common that continuing the walk is best.

mod lists;
mod near;
mod page;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use self::lists::{List as Ids, lists};
pub(crate) use self::near::Near;
pub(crate) use self::page::{List, Rows, page};
use crate::Error;
use crate::filter::{Filter, Matches};

/// Rows compared before the indexes are queried.
pub(crate) const A_WALK: i64 = 3_000;

/// Number of messages from which on a value counts as common.
const MANY: i64 = 100_000;

/// Number of messages of which one almost certainly matches.
const FEW: i64 = 1_000;

/// The requested messages among matching ones.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// All of them.
    All,
    /// The open ones.
    Open,
    /// Any one.
    Any,
    /// Those whose rows are the first of a list.
    Nearest(Nearest),
}

/// The messages with the first rows of a list. The newest rows belong to messages that ended last, or are open; the
/// oldest rows belong to the oldest messages. Every message has a row for its beginning, and one for its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    /// Maximum of messages.
    pub(crate) count: i64,
    /// The start of the list, in milliseconds since 1970: rows on the other side are excluded.
    pub(crate) from_ms: Option<i64>,
    /// Whether the list is oldest first.
    pub(crate) earliest_first: bool,
    /// Failed messages only.
    pub(crate) failed: bool,
}

/// The result of a search.
#[derive(Debug)]
pub(crate) enum Found {
    /// All requested messages.
    These(Vec<Uuid>),
    /// The nearest messages. All rows of other messages are at this time or beyond.
    Until(Vec<Uuid>, Timestamp),
    /// Too many messages.
    Many,
}

impl Nearest {
    /// Returns the search for `count` rows between two times, after a cursor.
    pub(crate) fn of_page(
        count: i64,
        (from_ms, to_ms): (Option<i64>, Option<i64>),
        cursor_ms: Option<i64>,
        earliest_first: bool,
        failed: bool,
    ) -> Self {
        let from_ms = if earliest_first {
            // The time of a dead letter is rounded to the millisecond: its message may have ended earlier.
            from_ms.max(cursor_ms).map(|ms| if failed { ms.saturating_sub(1) } else { ms })
        } else {
            // Up to the end of the millisecond.
            [to_ms, cursor_ms].into_iter().flatten().min().map(|ms| ms.saturating_add(1))
        };
        // Some of them may have no row in the list; see `comes_before`.
        Self { count: count * 2, from_ms, earliest_first, failed }
    }

    /// Returns whether all rows of other messages come after one of this time.
    pub(crate) fn comes_before(&self, at: Timestamp, edge: Timestamp) -> bool {
        // The time of a dead letter is rounded to the millisecond.
        let rounding = SignedDuration::from_millis(1);
        if self.earliest_first { at.duration_until(edge) > rounding } else { edge.duration_until(at) > rounding }
    }
}

/// Sets planning for the rest of the transaction: custom plans for the values of each query, and sequential scans
/// only as a last resort.
pub(crate) async fn plan_for_searching(conn: &mut AsyncPgConnection) -> Result<(), Error> {
    let settings = "select set_config('plan_cache_mode', 'force_custom_plan', true),
                           set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
                           set_config('max_parallel_workers_per_gather', '0', true)";
    diesel::sql_query(settings).execute(conn).await?;
    Ok(())
}

/// Sets the planning of statements in this transaction.
pub(crate) async fn set_plan_cache_mode(conn: &mut AsyncPgConnection, mode: &'static str) -> Result<(), Error> {
    diesel::sql_query(format!("set local plan_cache_mode = {mode}")).execute(conn).await?;
    Ok(())
}

impl Wanted {
    /// Returns the maximum of messages from an index for it to be useful.
    fn most(self) -> i64 {
        match self {
            Self::Any => FEW,
            Self::All | Self::Open | Self::Nearest(_) => MANY,
        }
    }
}

/// Returns the matching messages, if an index has few enough.
pub(crate) async fn search(conn: &mut AsyncPgConnection, filter: &Filter, wanted: Wanted) -> Result<Found, Error> {
    let most = wanted.most();
    let lists = lists(filter, most);
    if lists.is_empty() {
        return Ok(Found::Many);
    }
    let rows: Vec<Row> = Search { lists, most, matches: filter.matches(), wanted }.load(conn).await?;
    if rows.as_slice().first().is_some_and(|(are_too_many, ..)| *are_too_many) {
        return Ok(Found::Many);
    }
    let ids = rows.iter().filter_map(|(_, id, _, matches)| id.filter(|_| *matches == Some(true))).collect();
    Ok(match (wanted, rows.last()) {
        (Wanted::Nearest(nearest), Some((_, _, Some(edge), _))) if reaches(&rows, nearest.count) => {
            Found::Until(ids, edge.to_jiff())
        }
        _ => Found::These(ids),
    })
}

/// Returns whether there are at least this many.
pub(crate) fn reaches<T>(rows: &[T], count: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|len| len >= count)
}

/// Whether there are too many, a message, the time of its first row, and whether it matches.
type Row = (bool, Option<Uuid>, Option<jiff_diesel::Timestamp>, Option<bool>);

/// The message `m` of each ID, one by one: as a list they would be searched in every partition.
const ONE_BY_ONE: &str = " unnest(c.ids) i(id)
    cross join lateral (select m.* from messages m where m.id = i.id offset 0) m ";

/// The end time of the message `m`, written so that the planner does not scan the index of all times.
const ENDED_AT: &str =
    " select case when not exists (select from pending_deliveries p where p.id = m.id) then coalesce(
    (select max(a.ended_at + interval '0') from attempts a where a.message_id = m.id),
    (select max(e.at + interval '0') from past_events e where e.message_id = m.id))
end as ended_at offset 0 ";

struct Search {
    lists: Vec<Ids>,
    most: i64,
    matches: Matches,
    wanted: Wanted,
}

impl QueryFragment<Pg> for Search {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with lists(ids) as materialized (");
        for (index, list) in self.lists.iter().enumerate() {
            out.push_sql(if index == 0 { "select " } else { " union all select " });
            list.walk_ast(out.reborrow())?;
        }
        out.push_sql("), chosen as materialized (select (select ids from lists where cardinality(ids) < ");
        out.push_bind_param::<BigInt, _>(&self.most)?;
        out.push_sql(" order by cardinality(ids) limit 1) as ids) ");
        // Always one row: without a list there are too many messages, without a message there is none.
        out.push_sql("select c.ids is null, m.id, m.edge, m.matches from chosen c left join lateral (");
        match &self.wanted {
            Wanted::Nearest(nearest) => self.walk_nearest(nearest, &mut out)?,
            Wanted::All | Wanted::Open | Wanted::Any => {
                out.push_sql("select m.id, null::timestamptz as edge, true as matches from ");
                out.push_sql(ONE_BY_ONE);
                out.push_sql(" where ");
                self.matches.walk_ast(out.reborrow())?;
                match self.wanted {
                    Wanted::Open => out.push_sql(" and exists (select from pending_deliveries p where p.id = m.id)"),
                    Wanted::Any => out.push_sql(" limit 1"),
                    _ => {}
                }
            }
        }
        out.push_sql(") m on true");
        Ok(())
    }
}

impl Search {
    fn walk_nearest<'b>(&'b self, nearest: &'b Nearest, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // A pending message has no end: its rows may be anywhere up to now. A message without a row on this side of
        // the start is excluded.
        let (edge, condition, direction) = if nearest.earliest_first {
            ("greatest(m.created_at, ", " where coalesce(ended_at, 'infinity') >= ", " order by edge asc limit ")
        } else {
            ("least(ended_at, ", " where m.created_at <= ", " order by edge desc limit ")
        };
        out.push_sql("select m.id, m.edge, ");
        self.matches.walk_ast(out.reborrow())?;
        out.push_sql(" as matches from (select m.*, ");
        out.push_sql(edge);
        nearest.push_from(out)?;
        for text in [") as edge from ", ONE_BY_ONE, " cross join lateral (", ENDED_AT, ") ended"] {
            out.push_sql(text);
        }
        out.push_sql(condition);
        nearest.push_from(out)?;
        out.push_sql(if nearest.failed {
            " and exists (select from dead_letters d where d.message_id = m.id)"
        } else {
            ""
        });
        // With only one list, nearly all of its messages match, so the comparison is done later.
        if self.lists.len() > 1 {
            out.push_sql(" and ");
            self.matches.walk_ast(out.reborrow())?;
        }
        out.push_sql(direction);
        out.push_bind_param::<BigInt, _>(&nearest.count)?;
        out.push_sql(") m");
        Ok(())
    }
}

impl Nearest {
    fn push_from<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("coalesce(to_timestamp(");
        out.push_bind_param::<Nullable<BigInt>, _>(&self.from_ms)?;
        out.push_sql(if self.earliest_first { " / 1000.0), '-infinity')" } else { " / 1000.0), now())" });
        Ok(())
    }
}

impl QueryId for Search {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Search {
    type SqlType = (Bool, Nullable<SqlUuid>, Nullable<Timestamptz>, Nullable<Bool>);
}
