//! Filters of messages.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::gates::{of_flow_control_key, of_queue};

/// A filter of messages: one of the values of every non-empty list must match. Empty lists and `None` do not
/// restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Message IDs. An empty list in `Some` matches none.
    pub message_ids: Option<Vec<MessageId>>,
    /// Exact destinations.
    pub urls: Vec<String>,
    /// Hosts of destinations, in any case; a port, if given, must match.
    pub hosts: Vec<String>,
    /// Paths of destinations, without the query.
    pub paths: Vec<String>,
    /// URL groups of the publish.
    pub topic_names: Vec<String>,
    /// Queues.
    pub queue_names: Vec<String>,
    /// Schedules that created the messages.
    pub schedule_ids: Vec<String>,
    /// Labels, one of which must match.
    pub labels: Vec<String>,
    /// Flow-control keys, one of which must match.
    pub flow_control_keys: Vec<String>,
    /// Addresses of the publishers.
    pub caller_ips: Vec<String>,
    /// Accepted at this time or later, in milliseconds since 1970.
    pub created_from_ms: Option<i64>,
    /// Accepted at this time or earlier, in milliseconds since 1970.
    pub created_to_ms: Option<i64>,
}

impl Filter {
    /// Returns whether every message matches.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the limits of its queues, and of its flow-control keys.
    pub(crate) fn gates(&self) -> [Vec<String>; 2] {
        [
            self.queue_names.iter().map(|name| of_queue(name)).collect(),
            self.flow_control_keys.iter().map(|key| of_flow_control_key(key)).collect(),
        ]
    }

    /// Returns the SQL condition on a row `m` of `messages`.
    pub(crate) fn matches(&self) -> Matches {
        let [queues, flow_control_keys] = self.gates();
        let texts = [
            ("m.url = any(", &self.urls, ")"),
            // A cheap necessary condition: the text must occur in the URL.
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
            // An inclusive bound in milliseconds includes the whole millisecond.
            before_ms: self.created_to_ms.map(|to| to.saturating_add(1)),
        }
    }

    pub(crate) fn lower_hosts(&self) -> Vec<String> {
        self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
    }
}

/// Returns patterns for texts that contain one of these.
fn anywhere(texts: &[String]) -> Vec<String> {
    let escaped = |text: &String| text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    texts.iter().map(|text| format!("%{}%", escaped(text))).collect()
}

/// The condition of a [`Filter`] on a row `m` of `messages`.
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

/// The condition on a row of another table with a column of message IDs: the message exists and matches. It is
/// evaluated row by row, whatever the planner estimates: a page of the newest rows is found by checking them in
/// order.
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
        // The offset prevents a join.
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
