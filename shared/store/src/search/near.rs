//! A short walk: of the first rows of a list those whose message matches.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::BigInt;

use crate::filter::OfMessage;

/// Of the rows of a query, which are few, the first `count` whose message matches.
pub(crate) struct Near<Rows> {
    /// In order.
    pub(crate) rows: Rows,
    /// The table they are of.
    pub(crate) table: &'static str,
    pub(crate) of_message: OfMessage,
    pub(crate) count: i64,
}

impl<Rows: QueryFragment<Pg>> QueryFragment<Pg> for Near<Rows> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // They are compared in their order, and no further than to the last one that is wanted.
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
