//! Dead letters: messages that failed, until they are redriven, deleted or expire.

use std::marker::PhantomData;

use diesel::dsl::{AsSelect, SqlTypeOf, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::names::UPSTASH_ORIGINAL_MESSAGE_ID;
use sigpost_qstash::{DeadLetterId, MessageId, Start};
use uuid::Uuid;

use crate::accept::{Arrival, LeaseTerms, NewMessage, accept};
use crate::extent::{End, Extent, Page};
use crate::filter::{self, OfMessage};
use crate::messages::{Message, MessageRow, SIZE, StoredMessage, body};
use crate::record::Response;
use crate::schema::{dead_letters, message_states};
use crate::search::{A_WALK, List, Near, Nearest, Rows, page, plan_for_searching};
use crate::{Error, WakeUps, effects};

/// A dead letter with its message.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The ID on the wire.
    pub id: DeadLetterId,
    /// The message that failed.
    pub message: StoredMessage,
    /// The last response of the destination; status 0 without one.
    pub response: Response,
    /// The error of the last attempt.
    pub error: Option<String>,
}

/// A filter of dead letters; empty lists and `None` do not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// IDs of dead letters. An empty list in `Some` matches none.
    pub ids: Option<Vec<DeadLetterId>>,
    /// A filter of their messages.
    pub messages: filter::Filter,
    /// Statuses of the last response; 0 stands for none.
    pub response_statuses: Vec<i32>,
    /// Failed at this time or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Failed at this time or earlier, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// The last dead letter of the page before, which may no longer exist.
    pub cursor: Option<DeadLetterId>,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
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

impl From<(Row, (MessageRow, Vec<u8>))> for DeadLetter {
    fn from((row, message): (Row, (MessageRow, Vec<u8>))) -> Self {
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

/// The latest time of JavaScript's `Date`. Postgres rejects times that are much later.
const LAST_MS: i64 = 8_640_000_000_000_000;

/// Returns the dead letter with this ID.
pub async fn find(conn: &mut AsyncPgConnection, id: DeadLetterId) -> Result<Option<DeadLetter>, Error> {
    let row: Option<(Row, (MessageRow, Vec<u8>))> = dead_letters::table
        .inner_join(message_states::table)
        .filter(dead_letters::id.eq(id.seq))
        .select((Row::as_select(), (MessageRow::as_select(), body(true))))
        .first(conn)
        .await
        .optional()?;
    // The number alone identifies a dead letter; an ID with another time is invalid.
    Ok(row.map(DeadLetter::from).filter(|letter| letter.id == id))
}

statement! {
    /// The sizes of dead letters with their messages, in the order of the IDs.
    Sizes { ids: Vec<i64> => Array<BigInt>, with_bodies: bool => Bool } -> BigInt;
    "select coalesce(octet_length(d.response_body), 0) + coalesce(octet_length(d.response_header::text), 0)
          + coalesce(" [SIZE] " + case when " {with_bodies} " then octet_length(m.body) else 0 end, 0)
     from unnest(" {ids} ") with ordinality as i(id, place)
     left join dead_letters d on d.id = i.id left join messages m on m.id = d.message_id
     order by i.place"
}

/// Returns a page, newest first by default.
pub async fn list(
    conn: &mut AsyncPgConnection,
    filter: &Filter,
    extent: Extent,
) -> Result<Page<DeadLetter, DeadLetterId>, Error> {
    conn.transaction(async |conn| {
        let mut chosen = choose(conn, filter, extent.count_and_next()).await?;
        let seqs = |chosen: &[DeadLetterId]| chosen.iter().map(|id| id.seq).collect::<Vec<i64>>();
        let sizes = Sizes { ids: seqs(&chosen), with_bodies: extent.with_bodies, lifetime: PhantomData };
        let End { has_more, bytes } = extent.cut(&mut chosen, &sizes.load::<i64>(conn).await?);

        let ids = seqs(&chosen);
        let rows: Vec<(Row, (MessageRow, Vec<u8>))> = dead_letters::table
            .inner_join(message_states::table)
            .filter(dead_letters::id.eq_any(&ids))
            .select((Row::as_select(), (MessageRow::as_select(), body(extent.with_bodies))))
            .load(conn)
            .await?;
        let mut letters: Vec<DeadLetter> = rows.into_iter().map(DeadLetter::from).collect();
        letters.sort_by_key(|letter| ids.iter().position(|id| *id == letter.id.seq));
        Ok(Page { rows: letters, cursor: chosen.last().copied().filter(|_| has_more), bytes })
    })
    .await
}

/// Returns the IDs of a page.
pub async fn list_ids(conn: &mut AsyncPgConnection, filter: &Filter, count: i64) -> Result<Vec<DeadLetterId>, Error> {
    conn.transaction(async |conn| choose(conn, filter, count).await).await
}

async fn choose(conn: &mut AsyncPgConnection, filter: &Filter, count: i64) -> Result<Vec<DeadLetterId>, Error> {
    plan_for_searching(conn).await?;
    let rows = page(conn, filter, &filter.messages, count).await?;
    let id = |place: Place| DeadLetterId { failed_at_ms: place.failed_at.to_jiff().as_millisecond(), seq: place.id };
    Ok(rows.into_iter().map(id).collect())
}

/// A dead letter's position in the list, and its message.
#[derive(Queryable, Selectable)]
#[diesel(table_name = dead_letters, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Place {
    id: i64,
    failed_at: jiff_diesel::Timestamp,
    #[expect(dead_code, reason = "the database compares it with the messages")]
    message_id: Uuid,
}

impl List for Filter {
    type Row = Place;

    fn at(place: &Place) -> Timestamp {
        place.failed_at.to_jiff()
    }

    fn nearest(&self, count: i64) -> Nearest {
        let cursor_ms = self.cursor.map(|cursor| cursor.failed_at_ms);
        Nearest::of_page(count, (self.from_ms, self.to_ms), cursor_ms, self.earliest_first, true)
    }

    async fn load(&self, conn: &mut AsyncPgConnection, rows: Rows, count: i64) -> Result<Vec<Place>, Error> {
        let of_message = OfMessage { column: "dead_letters.message_id", matches: self.messages.matches() };
        let query = match rows {
            Rows::Near => {
                let rows = in_order(self, false).limit(A_WALK);
                return Ok(Near { rows, table: "dead_letters", of_message, count }.load(conn).await?);
            }
            Rows::All => in_order(self, false),
            Rows::Matching => in_order(self, false).filter(of_message),
            Rows::Of(ids) => in_order(self, true).filter(dead_letters::message_id.eq_any(ids)),
        };
        Ok(query.limit(count).load(conn).await?)
    }
}

type Query<'a> = dead_letters::BoxedQuery<'a, Pg, SqlTypeOf<AsSelect<Place, Pg>>>;

/// Selects the dead letters in the requested order, of any message; `sorted` as in events.
fn in_order(filter: &Filter, sorted: bool) -> Query<'_> {
    let at_ms = |operator: &str, ms: i64| {
        let column = sql::<Bool>("dead_letters.failed_at ").sql(operator);
        column.sql(" to_timestamp(").bind::<BigInt, _>(ms).sql(" / 1000.0)")
    };
    let mut query = dead_letters::table.select(Place::as_select()).into_boxed();
    if let Some(ids) = &filter.ids {
        // The number alone identifies a dead letter; an ID with another time is invalid.
        let possible = ids.iter().filter(|id| id.failed_at_ms <= LAST_MS);
        let (times, numbers): (Vec<i64>, Vec<i64>) = possible.map(|id| (id.failed_at_ms, id.seq)).unzip();
        query = query.filter(
            sql::<Bool>(
                "(dead_letters.id, dead_letters.failed_at) in (select id, to_timestamp(ms / 1000.0) from unnest(",
            )
            .bind::<Array<BigInt>, _>(numbers)
            .sql(", ")
            .bind::<Array<BigInt>, _>(times)
            .sql(") as i(id, ms))"),
        );
    }
    if !filter.response_statuses.is_empty() {
        query = query.filter(dead_letters::response_status.eq_any(&filter.response_statuses));
    }
    if let Some(from) = filter.from_ms {
        query = query.filter(at_ms(">=", from));
    }
    if let Some(to) = filter.to_ms {
        query = query.filter(at_ms("<=", to));
    }
    if let Some(DeadLetterId { failed_at_ms, seq }) = filter.cursor {
        query = query.filter(
            sql::<Bool>("(dead_letters.failed_at, dead_letters.id) ")
                .sql(if filter.earliest_first { ">" } else { "<" })
                .sql(" (to_timestamp(")
                .bind::<BigInt, _>(failed_at_ms)
                .sql(" / 1000.0), ")
                .bind::<BigInt, _>(seq)
                .sql(")"),
        );
    }
    let at = if sorted { "dead_letters.failed_at + interval '0'" } else { "dead_letters.failed_at" };
    let direction = if filter.earliest_first { "asc" } else { "desc" };
    query.order(sql::<Bool>(&format!("{at} {direction}, dead_letters.id {direction}")))
}

statement! {
    /// Skips rows that another transaction is deleting or redriving.
    Delete { ids: Vec<i64> => Array<BigInt> } -> BigInt;
    "with gone as (
        delete from dead_letters where id = any(array(
            select id from dead_letters where id = any(" {ids} ") for update skip locked
        ))
        returning id
    )
    select count(*) from gone"
}

/// Deletes dead letters; their messages stay failed. Returns the number of deleted ones.
pub async fn delete(conn: &mut AsyncPgConnection, ids: &[DeadLetterId]) -> Result<u64, Error> {
    let statement = Delete { ids: ids.iter().map(|id| id.seq).collect(), lifetime: PhantomData };
    let deleted: i64 = statement.get_result(conn).await?;
    Ok(deleted.unsigned_abs())
}

/// Redrives a dead letter: publishes its message again, changed by `change`, and deletes the dead letter in the same
/// transaction. `None` if it no longer exists.
///
/// The new message has its own ID and refers to the original message, however often it was redriven: by this ID its
/// handler finds completed runs and recorded effects.
pub async fn retry(
    conn: &mut AsyncPgConnection,
    id: DeadLetterId,
    change: impl FnOnce(&mut NewMessage) + Send,
) -> Result<Option<(MessageId, WakeUps)>, Error> {
    conn.transaction(async |conn| {
        let Some(DeadLetter { message: StoredMessage { message, .. }, .. }) = find(conn, id).await? else {
            return Ok(None);
        };
        // Of two concurrent redrives, only the one that deletes the dead letter publishes it.
        let removed = diesel::delete(dead_letters::table.filter(dead_letters::id.eq(id.seq))).execute(conn).await?;
        if removed == 0 {
            return Ok(None);
        }
        let original = original_id(&message);
        let mut message = Message { id: MessageId::new(), ..message };
        message.header.insert(UPSTASH_ORIGINAL_MESSAGE_ID, original.as_str());
        let mut new = NewMessage { message, start: Start::Now, deduplicate: None };
        change(&mut new);
        let new_id = new.message.id;
        effects::keep_for(conn, &original, new_id).await?;
        let accepted = accept(conn, &[Arrival { new, leased: false }], LeaseTerms::NONE, true).await?;
        Ok(Some((accepted.duplicate_of[0].unwrap_or(new_id), accepted.wake_ups)))
    })
    .await
}

/// Returns the ID of the original message of a chain of redrives.
fn original_id(message: &Message) -> String {
    message.header.get(UPSTASH_ORIGINAL_MESSAGE_ID).map_or_else(|| message.id.to_string(), str::to_owned)
}
