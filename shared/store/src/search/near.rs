//! A short walk over the first rows of a list, to find those with matching messages.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use crate::filter::OfMessage;

/// Selects, from the few rows of a query, the first `count` whose message matches.
pub(crate) struct Near<Rows> {
    /// The rows, in order.
    pub(crate) rows: Rows,
    /// The table of the rows.
    pub(crate) table: &'static str,
    pub(crate) of_message: OfMessage,
    pub(crate) count: i64,
}

impl<Rows: QueryFragment<Pg>> QueryFragment<Pg> for Near<Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Rows are compared in order, and only up to the last one of the page.
        out.push_sql("select * from (");
        self.rows.walk_ast(out.reborrow())?;
        out.push_sql(") as ");
        out.push_sql(self.table);
        out.push_sql(" where ");
        self.of_message.walk_ast(out.reborrow())?;
        out.push_sql(" limit ");
        out.push_bind_param::<BigInt, _>(&self.count)
    }
}

impl<Rows> QueryId for Near<Rows> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Rows: Query> Query for Near<Rows> {
    type SqlType = Rows::SqlType;
}
