//! Messages that failed for good, until they are retried, deleted or expire.

use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::{DeadLetterId, MessageId, Start};

use crate::Error;
use crate::accept::{Arrival, LeaseTerms, NewMessage, accept};
use crate::messages::{Message, MessageRow, StoredMessage};
use crate::record::Response;
use crate::schema::{dead_letters, messages};

/// A dead letter with its message.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// As on the wire.
    pub id: DeadLetterId,
    /// The message that failed.
    pub message: StoredMessage,
    /// What the destination answered last; status 0 when it did not.
    pub response: Response,
    /// Why the last attempt failed, in words.
    pub error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = dead_letters, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: i64,
    failed_at: jiff_diesel::Timestamp,
    response_status: i32,
    response_header: Option<serde_json::Value>,
    response_body: Option<Vec<u8>>,
    error: Option<String>,
}

impl From<(Row, MessageRow)> for DeadLetter {
    fn from((row, message): (Row, MessageRow)) -> Self {
        Self {
            id: DeadLetterId { failed_at_ms: row.failed_at.to_jiff().as_millisecond(), seq: row.id },
            message: message.into(),
            response: Response {
                status: u16::try_from(row.response_status).unwrap_or(0),
                header: row.response_header.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
                body: row.response_body.unwrap_or_default().into(),
            },
            error: row.error,
        }
    }
}

/// The dead letter with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: DeadLetterId) -> Result<Option<DeadLetter>, Error> {
    let row: Option<(Row, MessageRow)> = dead_letters::table
        .inner_join(messages::table)
        .filter(dead_letters::id.eq(id.seq))
        .select((Row::as_select(), MessageRow::as_select()))
        .first(conn)
        .await
        .optional()?;
    // The number alone identifies; an id with another time was made up.
    Ok(row.map(DeadLetter::from).filter(|letter| letter.id == id))
}

/// A page, newest first: at most `count` of those before `before`.
pub async fn list(
    conn: &mut AsyncPgConnection,
    message_id: Option<MessageId>,
    before: Option<DeadLetterId>,
    count: i64,
) -> Result<Vec<DeadLetter>, Error> {
    let mut query = dead_letters::table
        .inner_join(messages::table)
        .select((Row::as_select(), MessageRow::as_select()))
        .order((dead_letters::id.desc(),))
        .limit(count)
        .into_boxed();
    if let Some(id) = message_id {
        query = query.filter(dead_letters::message_id.eq(id.0));
    }
    if let Some(before) = before {
        query = query.filter(dead_letters::id.lt(before.seq));
    }
    let rows: Vec<(Row, MessageRow)> = query.load(conn).await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// Publishes the dead letter's message anew, changed as `change` says, and removes the dead letter,
/// both or neither. `None` when it is gone.
pub async fn retry(
    conn: &mut AsyncPgConnection,
    id: DeadLetterId,
    change: impl FnOnce(&mut NewMessage) + Send,
) -> Result<Option<MessageId>, Error> {
    conn.transaction(async |conn| {
        let Some(DeadLetter { message: StoredMessage { message, .. }, .. }) = find(conn, id).await? else {
            return Ok(None);
        };
        // Of two retries at once, the one that removes it publishes it.
        let removed = diesel::delete(dead_letters::table.filter(dead_letters::id.eq(id.seq))).execute(conn).await?;
        if removed == 0 {
            return Ok(None);
        }
        let message = Message { id: MessageId::new(), ..message };
        let mut new = NewMessage { message, start: Start::Now, deduplicate: None };
        change(&mut new);
        let new_id = new.message.id;
        let accepted = accept(conn, &[Arrival { new, leased: false }], LeaseTerms::NONE, true).await?;
        Ok(Some(accepted.duplicate_of[0].unwrap_or(new_id)))
    })
    .await
}
