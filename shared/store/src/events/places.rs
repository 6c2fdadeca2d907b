//! The query for positions: the first ones of each branch, merged. Limits are part of its text: a generic plan would
//! sort whole tables.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use uuid::Uuid;

use super::Filter;
use super::branches::{Branch, branches};
use super::place::{RowColumns, Start};
use crate::filter::OfMessage;

/// The selection of events.
#[derive(Debug)]
pub(super) enum Which {
    /// All events.
    All,
    /// Events with a matching message, among this number of first events.
    Near(i64),
    /// Events of these messages.
    Of(Vec<Uuid>),
    /// Events with a matching message.
    Matching,
}

/// The first `count` positions after `start`.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) filter: &'a Filter,
    pub(super) start: Option<Start>,
    pub(super) which: Which,
    pub(super) count: i64,
    /// Microseconds since 1970.
    from_us: Option<i64>,
    /// The exclusive upper bound in microseconds since 1970.
    before_us: Option<i64>,
    of_message: OfMessage,
    /// Maximum for each branch.
    of_branch: i64,
}

impl<'a> Places<'a> {
    pub(super) fn new(filter: &'a Filter, start: Option<Start>, which: Which, count: i64) -> Self {
        let column = if matches!(which, Which::Near(_)) { "e.message_id" } else { "t.message_id" };
        Self {
            filter,
            start,
            count,
            from_us: filter.from_ms.map(|ms| ms.saturating_mul(1000)),
            // An inclusive bound in milliseconds includes the whole millisecond.
            before_us: filter.to_ms.map(|ms| ms.saturating_add(1).saturating_mul(1000)),
            of_message: OfMessage { column, matches: filter.messages.matches() },
            of_branch: if let Which::Near(first) = which { first } else { count },
            which,
        }
    }

    fn direction(&self) -> &'static str {
        if self.filter.earliest_first { " asc" } else { " desc" }
    }

    /// Writes the query for the first positions of one branch. They are in index order, so that no more of an index
    /// is read.
    fn walk_branch<'b>(&'b self, branch: Branch, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Branch { table, by_message, at, message_id, step, state, condition, later_us } = branch;
        // A list of messages selects few rows, which are found by their messages and sorted.
        let (table, order) = match self.which {
            Which::Of(_) => (by_message, "at + interval '0'"),
            Which::All | Which::Near(_) | Which::Matching => (table, "at"),
        };
        let direction = self.direction();
        out.push_sql("(select (extract(epoch from at) * 1000000)::bigint");
        if later_us != 0 {
            out.push_sql(" + 1000");
        }
        for text in [" as at_us, step, message_id, state from (select ", at, " as at, ", step, " as step, "] {
            out.push_sql(text);
        }
        for text in
            [message_id, " as message_id, ", state, " as state from ", table, " b where ", condition, ") t where true"]
        {
            out.push_sql(text);
        }
        for (operator, bound) in [(">=", &self.from_us), ("<", &self.before_us)] {
            if let Some(us) = bound {
                push_moment(operator, us, later_us, &mut out)?;
            }
        }
        if let Some(Start { at_us, step, message_id }) = &self.start {
            let (and_equal, behind) = if self.filter.earliest_first { (">=", ">") } else { ("<=", "<") };
            push_moment(and_equal, at_us, later_us, &mut out)?;
            out.push_sql(" and (");
            push_moment_alone(behind, at_us, later_us, &mut out)?;
            out.push_sql(" or (step, message_id) ");
            out.push_sql(behind);
            out.push_sql(" (");
            out.push_bind_param::<BigInt, _>(step)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(message_id)?;
            out.push_sql("))");
        }
        match &self.which {
            Which::All | Which::Near(_) => {}
            Which::Matching => {
                out.push_sql(" and ");
                self.of_message.walk_ast(out.reborrow())?;
            }
            Which::Of(ids) => {
                out.push_sql(" and message_id = any(");
                out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
                out.push_sql(")");
            }
        }
        for text in [" order by ", order, direction, ", step", direction, ", message_id", direction, " limit "] {
            out.push_sql(text);
        }
        out.push_sql(&self.of_branch.to_string());
        out.push_sql(")");
        Ok(())
    }
}

fn push_moment<'b>(
    operator: &'static str,
    us: &'b i64,
    later_us: i64,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql(" and ");
    push_moment_alone(operator, us, later_us, out)
}

fn push_moment_alone<'b>(
    operator: &'static str,
    us: &'b i64,
    later_us: i64,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql("at ");
    out.push_sql(operator);
    out.push_sql(" timestamptz 'epoch' + (");
    out.push_bind_param::<BigInt, _>(us)?;
    out.push_sql(if later_us == 0 { ") * interval '1 microsecond'" } else { " - 1000) * interval '1 microsecond'" });
    Ok(())
}

impl QueryFragment<Pg> for Places<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let direction = self.direction();
        out.push_sql("select at_us, step, message_id, state from (select * from (");
        for (number, branch) in branches(&self.filter.states).into_iter().enumerate() {
            out.push_sql(if number == 0 { "" } else { " union all " });
            self.walk_branch(branch, out.reborrow())?;
        }
        for text in [") merged order by at_us", direction, ", step", direction, ", message_id", direction, " limit "] {
            out.push_sql(text);
        }
        out.push_sql(&self.of_branch.to_string());
        out.push_sql(") e");
        if matches!(self.which, Which::Near(_)) {
            // Rows are compared in order, and only up to the last one of the page.
            out.push_sql(" where ");
            self.of_message.walk_ast(out.reborrow())?;
        }
        out.push_sql(" limit ");
        out.push_sql(&self.count.to_string());
        Ok(())
    }
}

impl QueryId for Places<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Places<'_> {
    type SqlType = RowColumns;
}

impl RunQueryDsl<diesel_async::AsyncPgConnection> for Places<'_> {}
