//! The index queries, one for each non-empty list of a filter.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::filter::Filter;

/// An array of up to `most` messages that contains all matching ones.
pub(super) enum List {
    /// Given messages.
    Given(Vec<Uuid>),
    /// Messages with one of these values.
    With { condition: &'static str, values: Vec<String>, most: i64 },
    /// Messages with one of these paths.
    WithPath { paths: Vec<String>, most: i64 },
    /// Messages accepted in this period.
    Accepted { from_ms: Option<i64>, before_ms: Option<i64>, most: i64 },
}

/// Returns all lists that apply.
pub(super) fn lists(filter: &Filter, most: i64) -> Vec<List> {
    if let Some(ids) = &filter.message_ids {
        return vec![List::Given(ids.iter().map(|id| id.0).collect())];
    }
    let [queues, flow_control_keys] = filter.gates();
    let hosts: Vec<String> = filter.lower_hosts().iter().map(|host| without_port(host)).collect();
    let with = [
        ("topic_name = any(", &filter.topic_names),
        ("schedule_id = any(", &filter.schedule_ids),
        ("gates is not null and gates && (", &queues),
        ("gates is not null and gates && (", &flow_control_keys),
        ("labels <> '{}' and labels && (", &filter.labels),
        ("url = any(", &filter.urls),
        ("url_host(url) = any(", &hosts),
        ("caller_ip = any(", &filter.caller_ips),
    ];
    let mut lists: Vec<List> = with
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(condition, values)| List::With { condition, values: values.clone(), most })
        .collect();
    if !filter.paths.is_empty() {
        lists.push(List::WithPath { paths: filter.paths.clone(), most });
    }
    if filter.created_from_ms.is_some() || filter.created_to_ms.is_some() {
        // An inclusive bound in milliseconds includes the whole millisecond.
        let before_ms = filter.created_to_ms.map(|to| to.saturating_add(1));
        lists.push(List::Accepted { from_ms: filter.created_from_ms, before_ms, most });
    }
    lists
}

/// Returns the host as `url_host()` in the database does: all IPv6 addresses have the same one.
fn without_port(host: &str) -> String {
    host.split(':').next().unwrap_or_default().to_owned()
}

impl QueryFragment<Pg> for List {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let most = match self {
            Self::Given(ids) => return out.push_bind_param::<Array<SqlUuid>, _>(ids),
            Self::With { condition, values, most } => {
                out.push_sql("array(select id from messages where ");
                out.push_sql(condition);
                out.push_bind_param::<Array<Text>, _>(values)?;
                out.push_sql(")");
                most
            }
            Self::WithPath { paths, most } => {
                // The index has the last segments of paths.
                out.push_sql("array(select id from messages where url_path_end(url) = any(array(select url_path_end(path) from unnest(");
                out.push_bind_param::<Array<Text>, _>(paths)?;
                out.push_sql(") path)) and url_path(url) = any(");
                out.push_bind_param::<Array<Text>, _>(paths)?;
                out.push_sql(")");
                most
            }
            Self::Accepted { from_ms, before_ms, most } => {
                out.push_sql("array(select id from messages where created_at >= coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(from_ms)?;
                out.push_sql(" / 1000.0), '-infinity') and created_at < coalesce(to_timestamp(");
                out.push_bind_param::<Nullable<BigInt>, _>(before_ms)?;
                out.push_sql(" / 1000.0), 'infinity')");
                most
            }
        };
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(most)?;
        out.push_sql(")");
        Ok(())
    }
}
