//! Search: how the messages of a [`Filter`] are found without going through a whole table.
//!
//! First the index of each list is asked, for [`FEW`] messages at most. If one gives fewer,
//! the value is rare: these messages, compared with the whole filter, are all there are. If none
//! does, the value is common: whoever walks over the rows in the order in which they are wanted, and
//! compares one by one, soon has a page. Unless all of them are far away, so nobody walks over more
//! than [`A_WALK`] rows before he asks the indexes again, for up to [`MANY`].

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;
use crate::filter::{Filter, Matches};
use crate::hashes::{hash, of_host};
use crate::retention::first_id_of;

/// Messages from which on a value counts as common.
pub(crate) const FEW: i64 = 1_000;

/// Messages from which on a value is so common that there is nothing better than to walk.
pub(crate) const MANY: i64 = 100_000;

/// Rows after which a walk that has found no page yet looks for another way.
pub(crate) const A_WALK: i64 = 10_000;

/// What a search found.
#[derive(Debug)]
pub(crate) enum Found {
    /// All messages that match.
    These(Vec<Uuid>),
    /// Too many to name.
    Many,
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

/// The messages that match, if an index gives fewer than `most`. `only_open` leaves out those that have ended.
pub(crate) async fn search(
    conn: &mut AsyncPgConnection,
    filter: &Filter,
    only_open: bool,
    most: i64,
) -> Result<Found, Error> {
    let Some(candidates) = candidates(conn, filter, most).await? else { return Ok(Found::Many) };
    let compare = IdQuery::Compare { candidates, matches: filter.matches(), only_open };
    Ok(Found::These(compare.load(conn).await?))
}

/// Messages among which are all that match: of the indexes that apply, the answer of the one that gives fewest.
async fn candidates(conn: &mut AsyncPgConnection, filter: &Filter, most: i64) -> Result<Option<Vec<Uuid>>, Error> {
    let is_few = |ids: &[Uuid]| i64::try_from(ids.len()).is_ok_and(|count| count < most);
    if let Some(ids) = &filter.message_ids {
        return Ok(Some(ids.iter().map(|id| id.0).collect()));
    }
    let mut fewest: Option<Vec<Uuid>> = None;
    for index in indexes(filter, most) {
        let is_of_the_log = index.is_of_the_log();
        let mut ids: Vec<Uuid> = index.load(conn).await?;
        if is_of_the_log && is_few(&ids) {
            ids.extend(older_than_the_log(conn, filter, most).await?);
        }
        if is_few(&ids) && fewest.as_ref().is_none_or(|fewest| ids.len() < fewest.len()) {
            fewest = Some(ids);
        }
        if fewest.as_ref().is_some_and(Vec::is_empty) {
            break;
        }
    }
    Ok(fewest)
}

/// A message that waits for longer than the log is kept has no CREATED row any more. Such ids are
/// the oldest, and few.
async fn older_than_the_log(conn: &mut AsyncPgConnection, filter: &Filter, most: i64) -> Result<Vec<Uuid>, Error> {
    let begins_at_ms: Option<i64> = LogBegins { lifetime: std::marker::PhantomData }.get_result(conn).await?;
    let before = begins_at_ms.map_or(Uuid::max(), first_id_of);
    Ok(IdQuery::Older { before, matches: filter.matches(), most }.load(conn).await?)
}

statement! {
    LogBegins {} -> Nullable<BigInt>;
    "select floor(extract(epoch from (select min(at) from events)) * 1000)::bigint"
}

/// The questions to the indexes, one for each list that has values.
fn indexes(filter: &Filter, most: i64) -> Vec<IdQuery> {
    let [queues, flow_control_keys] = filter.gates();
    let of_the_log = |column, values: &[String], hash: fn(&str) -> i32| IdQuery::OfTheLog {
        column,
        hashes: values.iter().map(|value| hash(value)).collect(),
        most,
    };
    let of_messages = |condition, values: &[String]| IdQuery::OfMessages { condition, values: values.to_vec(), most };
    let lists = [
        of_the_log("url_hash", &filter.urls, hash),
        of_the_log("host_hash", &filter.hosts, of_host),
        of_the_log("path_hash", &filter.paths, hash),
        of_the_log("caller_hash", &filter.caller_ips, hash),
        of_messages("topic_name = any(", &filter.topic_names),
        of_messages("schedule_id = any(", &filter.schedule_ids),
        of_messages("gates is not null and gates && (", &queues),
        of_messages("gates is not null and gates && (", &flow_control_keys),
        of_messages("labels <> '{}' and labels && (", &filter.labels),
    ];
    let mut lists: Vec<IdQuery> = lists.into_iter().filter(|list| !list.asks_for_nothing()).collect();
    if filter.created_from_ms.is_some() || filter.created_to_ms.is_some() {
        lists.push(IdQuery::Created {
            from_ms: filter.created_from_ms,
            before_ms: filter.created_to_ms.map(|to| to.saturating_add(1)),
            most,
        });
    }
    lists
}

/// A query for ids of messages.
pub(crate) enum IdQuery {
    /// Messages whose CREATED row has one of these hashes, up to `most`.
    OfTheLog { column: &'static str, hashes: Vec<i32>, most: i64 },
    /// Messages with these values, up to `most`.
    OfMessages { condition: &'static str, values: Vec<String>, most: i64 },
    /// Messages accepted in this time, up to `most`.
    Created { from_ms: Option<i64>, before_ms: Option<i64>, most: i64 },
    /// Those that match and are older than this one, up to `most`.
    Older { before: Uuid, matches: Matches, most: i64 },
    /// Those of these that match.
    Compare { candidates: Vec<Uuid>, matches: Matches, only_open: bool },
    /// Open messages that match, up to this many.
    Open { matches: Matches, most: i64 },
}

impl IdQuery {
    fn asks_for_nothing(&self) -> bool {
        match self {
            Self::OfTheLog { hashes, .. } => hashes.is_empty(),
            Self::OfMessages { values, .. } => values.is_empty(),
            _ => false,
        }
    }

    fn is_of_the_log(&self) -> bool {
        matches!(self, Self::OfTheLog { .. } | Self::Created { .. })
    }
}

impl QueryFragment<Pg> for IdQuery {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::OfTheLog { column, hashes, most } => {
                out.push_sql("select message_id from events where ");
                out.push_sql(column);
                out.push_sql(" = any(");
                out.push_bind_param::<Array<Integer>, _>(hashes)?;
                out.push_sql(") limit ");
                out.push_bind_param::<BigInt, _>(most)
            }
            Self::OfMessages { condition, values, most } => {
                out.push_sql("select id from messages where ");
                out.push_sql(condition);
                out.push_bind_param::<Array<Text>, _>(values)?;
                out.push_sql(") limit ");
                out.push_bind_param::<BigInt, _>(most)
            }
            Self::Created { from_ms, before_ms, most } => {
                out.push_sql("select message_id from events where state = 'CREATED' and at >= coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(from_ms)?;
                out.push_sql(" / 1000.0), '-infinity') and at < coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(before_ms)?;
                out.push_sql(" / 1000.0), 'infinity') limit ");
                out.push_bind_param::<BigInt, _>(most)
            }
            Self::Older { before, matches, most } => {
                out.push_sql("select m.id from messages m where m.id < ");
                out.push_bind_param::<SqlUuid, _>(before)?;
                out.push_sql(" and ");
                matches.walk_ast(out.reborrow())?;
                out.push_sql(" limit ");
                out.push_bind_param::<BigInt, _>(most)
            }
            Self::Compare { candidates, matches, only_open } => {
                out.push_sql("select m.id from messages m where m.id = any(");
                out.push_bind_param::<Array<SqlUuid>, _>(candidates)?;
                out.push_sql(if *only_open { ") and m.finished_at is null and " } else { ") and " });
                matches.walk_ast(out)
            }
            Self::Open { matches, most } => {
                // An open message either has a time at which it is due, or waits at a gate.
                for (begin, index) in [("", "m.due_at is not null"), (" union all ", "m.waits_for is not null")] {
                    out.push_sql(begin);
                    out.push_sql("(select m.id from messages m where m.finished_at is null and ");
                    out.push_sql(index);
                    out.push_sql(" and ");
                    matches.walk_ast(out.reborrow())?;
                    out.push_sql(")");
                }
                out.push_sql(" limit ");
                out.push_bind_param::<BigInt, _>(most)
            }
        }
    }
}

impl QueryId for IdQuery {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for IdQuery {
    type SqlType = SqlUuid;
}
