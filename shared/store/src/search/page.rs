//! A page of rows that belong to messages, by what their messages are.

use diesel_async::AsyncPgConnection;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Found, Nearest, Wanted, reaches, search};
use crate::Error;
use crate::filter::Filter;

/// Which rows of a list.
pub(crate) enum Rows {
    /// All.
    All,
    /// Of the first [`A_WALK`](super::A_WALK) rows those whose message matches.
    Near,
    /// Those of these messages.
    Of(Vec<Uuid>),
    /// Those whose message matches, one by one.
    Matching,
}

/// A list of rows that belong to messages, in the order of their times.
pub(crate) trait List: Sync {
    /// A row.
    type Row: Send;

    /// Its time.
    fn at(row: &Self::Row) -> Timestamp;

    /// The messages that have the first `count` rows, and some more.
    fn nearest(&self, count: i64) -> Nearest;

    /// The first `count` of these rows.
    fn load(
        &self,
        conn: &mut AsyncPgConnection,
        rows: Rows,
        count: i64,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;
}

/// The first `count` rows whose messages match. See [`search`](super).
pub(crate) async fn page<L: List>(
    conn: &mut AsyncPgConnection,
    list: &L,
    messages: &Filter,
    count: i64,
) -> Result<Vec<L::Row>, Error> {
    if messages.is_empty() {
        return list.load(conn, Rows::All, count).await;
    }
    // Whoever names messages knows them: there is nothing to look for.
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
            // Their rows are few, or of a time at which many ended at once.
            match search(conn, messages, Wanted::All).await? {
                Found::These(ids) | Found::Until(ids, _) => list.load(conn, Rows::Of(ids), count).await,
                Found::Many => list.load(conn, Rows::Matching, count).await,
            }
        }
    }
}
