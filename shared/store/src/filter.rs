//! Which messages a call is about.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::gates::{of_flow_control_key, of_queue};

/// A choice of messages: one of the values of every list that has any. Lists that are empty and
/// bounds that are `None` do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// These messages. `Some` of nothing is no message.
    pub message_ids: Option<Vec<MessageId>>,
    /// To exactly these destinations.
    pub urls: Vec<String>,
    /// To destinations on these hosts, in any case; with a port it has to be that one.
    pub hosts: Vec<String>,
    /// To destinations with these paths, without the query.
    pub paths: Vec<String>,
    /// Published to these URL groups.
    pub topic_names: Vec<String>,
    /// Through these queues.
    pub queue_names: Vec<String>,
    /// By these schedules.
    pub schedule_ids: Vec<String>,
    /// With one of these labels.
    pub labels: Vec<String>,
    /// Through one of these flow-control keys.
    pub flow_control_keys: Vec<String>,
    /// From these publishers.
    pub caller_ips: Vec<String>,
    /// Accepted not before this, in milliseconds since 1970.
    pub created_from_ms: Option<i64>,
    /// Accepted not after this, in milliseconds since 1970.
    pub created_to_ms: Option<i64>,
}

impl Filter {
    /// Whether it is every message.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The gates of its queues, and of its flow-control keys.
    pub(crate) fn gates(&self) -> [Vec<String>; 2] {
        [
            self.queue_names.iter().map(|name| of_queue(name)).collect(),
            self.flow_control_keys.iter().map(|key| of_flow_control_key(key)).collect(),
        ]
    }

    /// The SQL condition on a row `m` of `messages`.
    pub(crate) fn matches(&self) -> Matches {
        let [queues, flow_control_keys] = self.gates();
        let texts = [
            ("m.url = any(", &self.urls, ")"),
            // What is in no URL is in no part of one, and is seen sooner.
            ("lower(m.url) like any(", &anywhere(&self.lower_hosts()), ")"),
            ("m.url like any(", &anywhere(&self.paths), ")"),
            (
                "array[url_authority(m.url), regexp_replace(url_authority(m.url), ':[0-9]*$', '')] && ",
                &self.lower_hosts(),
                "",
            ),
            ("url_path(m.url) = any(", &self.paths, ")"),
            ("m.topic_name = any(", &self.topic_names, ")"),
            ("m.gates && ", &queues, ""),
            ("m.schedule_id = any(", &self.schedule_ids, ")"),
            ("m.labels && ", &self.labels, ""),
            ("m.gates && ", &flow_control_keys, ""),
            ("m.caller_ip = any(", &self.caller_ips, ")"),
        ];
        let texts = texts.into_iter().filter(|(_, values, _)| !values.is_empty());
        Matches {
            ids: self.message_ids.as_ref().map(|ids| ids.iter().map(|id| id.0).collect()),
            texts: texts.map(|(before, values, after)| (before, values.clone(), after)).collect(),
            from_ms: self.created_from_ms,
            // A bound in whole milliseconds includes the whole millisecond.
            before_ms: self.created_to_ms.map(|to| to.saturating_add(1)),
        }
    }

    pub(crate) fn lower_hosts(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
    }
}

/// Patterns for texts that have one of these in them.
fn anywhere(texts: &[String]) -> Vec<String> {
    let escaped = |text: &String| text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    texts.iter().map(|text| format!("%{}%", escaped(text))).collect()
}

/// The condition that a [`Filter`] is, on a row `m` of `messages`.
#[derive(Clone, Debug)]
pub(crate) struct Matches {
    ids: Option<Vec<Uuid>>,
    texts: Vec<(&'static str, Vec<String>, &'static str)>,
    from_ms: Option<i64>,
    before_ms: Option<i64>,
}

impl QueryFragment<Pg> for Matches {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("true");
        if let Some(ids) = &self.ids {
            out.push_sql(" and m.id = any(");
            out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
            out.push_sql(")");
        }
        for (before, values, after) in &self.texts {
            out.push_sql(" and ");
            out.push_sql(before);
            out.push_bind_param::<Array<Text>, _>(values)?;
            out.push_sql(after);
        }
        for (operator, bound) in [(">=", &self.from_ms), ("<", &self.before_ms)] {
            if let Some(ms) = bound {
                out.push_sql(" and m.created_at ");
                out.push_sql(operator);
                out.push_sql(" to_timestamp(");
                out.push_bind_param::<BigInt, _>(ms)?;
                out.push_sql(" / 1000.0)");
            }
        }
        Ok(())
    }
}

/// The condition on a row of another table whose column holds the id of a message: that the message
/// is there and matches. Asked row by row, whatever the planner thinks of it: a page of the newest
/// rows is found by looking at them one after the other.
#[derive(Clone, Debug)]
pub(crate) struct OfMessage {
    pub(crate) column: &'static str,
    pub(crate) matches: Matches,
}

impl QueryFragment<Pg> for OfMessage {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("exists (select from messages m where m.id = ");
        out.push_sql(self.column);
        out.push_sql(" and ");
        self.matches.walk_ast(out.reborrow())?;
        // The offset keeps it from becoming a join.
        out.push_sql(" offset 0)");
        Ok(())
    }
}

impl QueryId for OfMessage {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Expression for OfMessage {
    type SqlType = Bool;
}

impl<Table> AppearsOnTable<Table> for OfMessage {}
impl<Table> SelectableExpression<Table> for OfMessage {}
impl<GroupBy> diesel::expression::ValidGrouping<GroupBy> for OfMessage {
    type IsAggregate = diesel::expression::is_aggregate::No;
}
