//! Search: how the messages of a [`Filter`] are found without going through a whole table.
//!
//! A page is looked for twice. First among the nearest [`A_WALK`] rows, in the order in which they are
//! wanted, comparing one by one: that finds what is common. Only then the indexes are asked, for what is
//! rare or far away: the one that gives fewest messages, all of them, and of these the ones whose rows
//! can be on the page ([`Wanted::Nearest`]). If none gives fewer than [`MANY`], the value is so common
//! that there is nothing better than to walk on.

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

/// Rows that are walked over before the indexes are asked.
pub(crate) const A_WALK: i64 = 3_000;

/// Messages from which on a value is so common that there is nothing better than to walk.
const MANY: i64 = 100_000;

/// Messages of which one surely matches.
const FEW: i64 = 1_000;

/// Which of the messages that match.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// Every one.
    All,
    /// Those that have not ended.
    Open,
    /// One of them.
    Any,
    /// Those whose rows are the first of a list.
    Nearest(Nearest),
}

/// The messages with the newest rows are those that ended last, or have not ended; those with the oldest rows
/// are the oldest. Every message has a row for its beginning, and one for its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    /// Messages at most.
    pub(crate) count: i64,
    /// Where the list begins, in milliseconds since 1970: rows on the other side are not in it.
    pub(crate) from_ms: Option<i64>,
    /// The list begins with the oldest.
    pub(crate) earliest_first: bool,
    /// Only those that failed.
    pub(crate) failed: bool,
}

/// What a search found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All that were wanted.
    These(Vec<Uuid>),
    /// The nearest. All rows of others lie at this time, or behind it.
    Until(Vec<Uuid>, Timestamp),
    /// Too many to name.
    Many,
}

impl Nearest {
    /// For `count` rows between two times, behind a cursor.
    pub(crate) fn of_page(
        count: i64,
        (from_ms, to_ms): (Option<i64>, Option<i64>),
        cursor_ms: Option<i64>,
        earliest_first: bool,
        failed: bool,
    ) -> Self {
        let from_ms = if earliest_first {
            // A dead letter has its time rounded to the millisecond: its message may have ended before that.
            from_ms.max(cursor_ms).map(|ms| if failed { ms.saturating_sub(1) } else { ms })
        } else {
            // To the end of the millisecond.
            [to_ms, cursor_ms].into_iter().flatten().min().map(|ms| ms.saturating_add(1))
        };
        // Some of them may have no row in the list; see `comes_before`.
        Self { count: count * 2, from_ms, earliest_first, failed }
    }

    /// Whether no row of another message can come before one of this time.
    pub(crate) fn comes_before(&self, at: Timestamp, edge: Timestamp) -> bool {
        // A dead letter has its time rounded to the millisecond.
        let rounding = SignedDuration::from_millis(1);
        if self.earliest_first { at.duration_until(edge) > rounding } else { edge.duration_until(at) > rounding }
    }
}

/// For the rest of the transaction: the planner looks at the values of each query, and goes through a
/// whole table only where there is no other way.
pub(crate) async fn plan_for_searching(conn: &mut AsyncPgConnection) -> Result<(), Error> {
    let settings = "select set_config('plan_cache_mode', 'force_custom_plan', true),
                           set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
                           set_config('max_parallel_workers_per_gather', '0', true)";
    diesel::sql_query(settings).execute(conn).await?;
    Ok(())
}

/// How statements of this transaction are planned.
pub(crate) async fn set_plan_cache_mode(conn: &mut AsyncPgConnection, mode: &'static str) -> Result<(), Error> {
    diesel::sql_query(format!("set local plan_cache_mode = {mode}")).execute(conn).await?;
    Ok(())
}

impl Wanted {
    /// How many messages an index may give for the answer to be of use.
    fn most(self) -> i64 {
        match self {
            Self::Any => FEW,
            Self::All | Self::Open | Self::Nearest(_) => MANY,
        }
    }
}

/// The messages that match, if an index gives few enough.
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

/// Whether there are this many.
pub(crate) fn reaches<T>(rows: &[T], count: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|len| len >= count)
}

/// Whether there are too many, a message, where its rows begin, and whether it matches.
type Row = (bool, Option<Uuid>, Option<jiff_diesel::Timestamp>, Option<bool>);

/// The message `m` of each id. As a list they would be looked for in every partition.
const ONE_BY_ONE: &str = " unnest(c.ids) i(id)
    cross join lateral (select m.* from messages m where m.id = i.id offset 0) m ";

/// When the message `m` ended. Of the columns themselves the planner might walk over the index of all times.
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
        // One row always: without a list there are too many, without a message there is none.
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
        // A pending message has no end: its rows may be anywhere up to now. One that has no row on
        // this side of the beginning is of no use.
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
        // In the only list are those who match, and hardly another: to compare them can wait.
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
