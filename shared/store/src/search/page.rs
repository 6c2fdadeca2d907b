//! Pages of rows that belong to messages, filtered by the messages.

use diesel_async::AsyncPgConnection;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Found, Nearest, Wanted, reaches, search};
use crate::Error;
use crate::filter::Filter;

/// The selection of rows.
pub(crate) enum Rows {
    /// All.
    All,
    /// Rows with a matching message, among the first [`A_WALK`](super::A_WALK) rows.
    Near,
    /// Rows of these messages.
    Of(Vec<Uuid>),
    /// Rows with a matching message, one by one.
    Matching,
}

/// A list of rows that belong to messages, in the order of their times.
pub(crate) trait List: Sync {
    /// A row.
    type Row: Send;

    /// Returns the time of a row.
    fn at(row: &Self::Row) -> Timestamp;

    /// Returns the messages with the first `count` rows, and some more.
    fn nearest(&self, count: i64) -> Nearest;

    /// Loads the first `count` of these rows.
    fn load(
        &self,
        conn: &mut AsyncPgConnection,
        rows: Rows,
        count: i64,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;
}

/// Returns the first `count` rows whose messages match. See [`search`](super).
pub(crate) async fn page<L: List>(
    conn: &mut AsyncPgConnection,
    list: &L,
    messages: &Filter,
    count: i64,
) -> Result<Vec<L::Row>, Error> {
    if messages.is_empty() {
        return list.load(conn, Rows::All, count).await;
    }
    // A filter with message IDs needs no search.
    if messages.message_ids.is_none() {
        let near = list.load(conn, Rows::Near, count).await?;
        if reaches(&near, count) {
            return Ok(near);
        }
    }
    let nearest = list.nearest(count);
    match search(conn, messages, Wanted::Nearest(nearest)).await? {
        Found::These(ids) => list.load(conn, Rows::Of(ids), count).await,
        Found::Many => list.load(conn, Rows::Matching, count).await,
        Found::Until(ids, edge) => {
            let rows = list.load(conn, Rows::Of(ids), count).await?;
            let is_complete = rows.last().is_some_and(|row| nearest.comes_before(L::at(row), edge));
            if is_complete && reaches(&rows, count) {
                return Ok(rows);
            }
            // Their rows are few, or many of them have the same time.
            match search(conn, messages, Wanted::All).await? {
                Found::These(ids) | Found::Until(ids, _) => list.load(conn, Rows::Of(ids), count).await,
                Found::Many => list.load(conn, Rows::Matching, count).await,
            }
        }
    }
}
