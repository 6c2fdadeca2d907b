//! The questions to the indexes, one for each list of a filter that has values.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::Error;
use crate::filter::{Filter, Matches};
use crate::hashes::{hash, of_host};
use crate::retention::first_id_of;

/// An array of messages among which are all that match, up to `most`.
pub(super) enum List {
    /// These.
    Given(Vec<Uuid>),
    /// Those with one of these values.
    OfMessages { condition: &'static str, values: Vec<String>, most: i64 },
    /// Those whose CREATED row is found, and those that are older than the log and match.
    OfTheLog { found: InTheLog, older_than: Uuid, matches: Matches, most: i64 },
}

/// How a CREATED row is found.
pub(super) enum InTheLog {
    /// By one of these hashes.
    Hashes { column: &'static str, hashes: Vec<i32> },
    /// By when it was written.
    Written { from_ms: Option<i64>, before_ms: Option<i64> },
}

statement! {
    LogBegins {} -> Nullable<BigInt>;
    "select floor(extract(epoch from (select min(at) from events)) * 1000)::bigint"
}

/// All lists that apply.
pub(super) async fn lists(conn: &mut AsyncPgConnection, filter: &Filter, most: i64) -> Result<Vec<List>, Error> {
    if let Some(ids) = &filter.message_ids {
        return Ok(vec![List::Given(ids.iter().map(|id| id.0).collect())]);
    }
    let [queues, flow_control_keys] = filter.gates();
    let of_messages = [
        ("topic_name = any(", &filter.topic_names),
        ("schedule_id = any(", &filter.schedule_ids),
        ("gates is not null and gates && (", &queues),
        ("gates is not null and gates && (", &flow_control_keys),
        ("labels <> '{}' and labels && (", &filter.labels),
    ];
    let mut lists: Vec<List> = of_messages
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(condition, values)| List::OfMessages { condition, values: values.clone(), most })
        .collect();

    let in_the_log = in_the_log(filter);
    if !in_the_log.is_empty() {
        // A message that waits for longer than the log is kept has no CREATED row any more. Such ids are
        // the oldest, and few.
        let begins_at_ms: Option<i64> = LogBegins { lifetime: PhantomData }.get_result(conn).await?;
        let older_than = begins_at_ms.map_or(Uuid::max(), first_id_of);
        let list = |found| List::OfTheLog { found, older_than, matches: filter.matches(), most };
        lists.extend(in_the_log.into_iter().map(list));
    }
    Ok(lists)
}

fn in_the_log(filter: &Filter) -> Vec<InTheLog> {
    let of_hash = |column, values: &[String], hash: fn(&str) -> i32| {
        let hashes = values.iter().map(|value| hash(value)).collect();
        (!values.is_empty()).then_some(InTheLog::Hashes { column, hashes })
    };
    let is_of_a_time = filter.created_from_ms.is_some() || filter.created_to_ms.is_some();
    let written = InTheLog::Written {
        from_ms: filter.created_from_ms,
        before_ms: filter.created_to_ms.map(|to| to.saturating_add(1)),
    };
    [
        of_hash("url_hash", &filter.urls, hash),
        of_hash("host_hash", &filter.hosts, of_host),
        of_hash("path_hash", &filter.paths, hash),
        of_hash("caller_hash", &filter.caller_ips, hash),
        is_of_a_time.then_some(written),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl QueryFragment<Pg> for List {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Given(ids) => out.push_bind_param::<Array<SqlUuid>, _>(ids),
            Self::OfMessages { condition, values, most } => {
                out.push_sql("array(select id from messages where ");
                out.push_sql(condition);
                out.push_bind_param::<Array<Text>, _>(values)?;
                out.push_sql(") limit ");
                out.push_bind_param::<BigInt, _>(most)?;
                out.push_sql(")");
                Ok(())
            }
            Self::OfTheLog { found, older_than, matches, most } => {
                out.push_sql("array(select message_id from events where ");
                found.walk_ast(out.reborrow())?;
                out.push_sql(" limit ");
                out.push_bind_param::<BigInt, _>(most)?;
                out.push_sql(") || array(select m.id from messages m where m.id < ");
                out.push_bind_param::<SqlUuid, _>(older_than)?;
                out.push_sql(" and ");
                matches.walk_ast(out.reborrow())?;
                out.push_sql(" limit ");
                out.push_bind_param::<BigInt, _>(most)?;
                out.push_sql(")");
                Ok(())
            }
        }
    }
}

impl QueryFragment<Pg> for InTheLog {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Hashes { column, hashes } => {
                out.push_sql(column);
                out.push_sql(" = any(");
                out.push_bind_param::<Array<Integer>, _>(hashes)?;
                out.push_sql(")");
            }
            Self::Written { from_ms, before_ms } => {
                out.push_sql("state = 'CREATED' and at >= coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(from_ms)?;
                out.push_sql(" / 1000.0), '-infinity') and at < coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(before_ms)?;
                out.push_sql(" / 1000.0), 'infinity')");
            }
        }
        Ok(())
    }
}
