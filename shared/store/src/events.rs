//! The log: reading it. It is written by the statements that make things happen.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use diesel::dsl::{AsSelect, SqlTypeOf, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::{Cursor, EventState, MessageId};
use uuid::Uuid;

use crate::Error;
use crate::extent::{End, Extent, Page};
use crate::filter::{self, OfMessage};
use crate::messages::{SIZE, StoredMessage, find_all};
use crate::record::Response;
use crate::schema::events;
use crate::search::{A_WALK, List, Near, Nearest, Rows, page, plan_for_searching};

/// One thing that happened to a message.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its number; with the time, its place in the log.
    pub id: i64,
    /// What happened.
    pub state: EventState,
    /// What the destination answered, on the end of an attempt.
    pub response: Option<Response>,
    /// Why an attempt failed.
    pub error: Option<String>,
    /// When the next attempt is planned, in milliseconds since 1970.
    pub next_delivery_at_ms: Option<i64>,
    /// The message it happened to.
    pub message: StoredMessage,
}

/// Which events; what is empty or `None` does not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these messages.
    pub messages: filter::Filter,
    /// In one of these states.
    pub states: Vec<EventState>,
    /// Not before, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Not after, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// Continue behind this event.
    pub cursor: Option<Cursor>,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

/// A row of the log without its message.
#[derive(Queryable)]
struct Row {
    message_id: Uuid,
    at: jiff_diesel::Timestamp,
    id: i64,
    state: String,
    response_status: Option<i32>,
    response_header: Option<serde_json::Value>,
    response_body: Option<Vec<u8>>,
    error: Option<String>,
    next_delivery_at: Option<jiff_diesel::Timestamp>,
}

impl Row {
    fn of(self, message: StoredMessage) -> Event {
        Event {
            at_ms: self.at.to_jiff().as_millisecond(),
            id: self.id,
            state: self.state.parse().unwrap_or(EventState::Error),
            response: self.response_status.map(|status| Response {
                status: u16::try_from(status).unwrap_or(0),
                header: self.response_header.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
                body: self.response_body.unwrap_or_default().into(),
            }),
            error: self.error,
            next_delivery_at_ms: self.next_delivery_at.map(|at| at.to_jiff().as_millisecond()),
            message,
        }
    }
}

/// An event's place in the log, and its message.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Place {
    #[expect(dead_code, reason = "the database compares it with the messages")]
    message_id: Uuid,
    at: jiff_diesel::Timestamp,
    id: i64,
}

statement! {
    /// What each event and its message take, in the order of the places. Postgres knows the length of a body without
    /// reading it.
    Sizes {
        ats: Vec<jiff_diesel::Timestamp> => Array<Timestamptz>,
        ids: Vec<i64> => Array<BigInt>,
        with_bodies: bool => Bool,
    } -> BigInt;
    "select coalesce(of_event.size + of_message.size, 0)
     from unnest(" {ats} "," {ids} ") with ordinality as p(at, id, place)
     left join lateral (
        select message_id,
               (coalesce(octet_length(response_body), 0) + coalesce(octet_length(response_header::text), 0))::bigint as size
        from events e where e.at = p.at and e.id = p.id limit 1
     ) of_event on true
     left join lateral (
        select " [SIZE] " + case when " {with_bodies} " then octet_length(m.body) else 0 end as size
        from messages m where m.id = of_event.message_id limit 1
     ) of_message on true
     order by p.place"
}

statement! {
    /// The rows at these places, in their order. The limit keeps the planner from a join over the whole log.
    AtPlaces {
        ats: Vec<jiff_diesel::Timestamp> => Array<Timestamptz>,
        ids: Vec<i64> => Array<BigInt>,
    } -> (
        SqlUuid, Timestamptz, BigInt, Text, Nullable<Integer>, Nullable<Json>, Nullable<Binary>, Nullable<Text>,
        Nullable<Timestamptz>
    );
    "select e.message_id, e.at, e.id, e.state::text, e.response_status, e.response_header, e.response_body, e.error,
            e.next_delivery_at
     from unnest(" {ats} "," {ids} ") with ordinality as p(at, id, place)
     cross join lateral (select * from events e where e.at = p.at and e.id = p.id limit 1) e
     order by p.place"
}

/// A page of the log, newest first unless asked otherwise. An event whose message is gone is not in it.
pub async fn list(conn: &mut AsyncPgConnection, filter: &Filter, extent: Extent) -> Result<Page<Event, Cursor>, Error> {
    conn.transaction(async |conn| {
        plan_for_searching(conn).await?;
        let mut places = page(conn, filter, &filter.messages, extent.count_and_next()).await?;
        let (ats, ids) = columns(&places);
        let sizes = Sizes { ats, ids, with_bodies: extent.with_bodies, lifetime: PhantomData };
        let End { has_more, bytes } = extent.cut(&mut places, &sizes.load::<i64>(conn).await?);

        let (ats, ids) = columns(&places);
        let rows: Vec<Row> = AtPlaces { ats, ids, lifetime: PhantomData }.load(conn).await?;
        let of_messages: BTreeSet<Uuid> = rows.iter().map(|row| row.message_id).collect();
        let of_messages: Vec<Uuid> = of_messages.into_iter().collect();
        let messages = find_all(conn, &of_messages, extent.with_bodies).await?;
        let with_message = |row: Row| Some(messages.get(&MessageId(row.message_id))?.clone()).map(|m| row.of(m));
        let cursor = |last: &Place| Cursor { at_ms: last.at.to_jiff().as_millisecond(), seq: Some(last.id) };
        Ok(Page {
            cursor: places.last().filter(|_| has_more).map(cursor),
            rows: rows.into_iter().filter_map(with_message).collect(),
            bytes,
        })
    })
    .await
}

fn columns(places: &[Place]) -> (Vec<jiff_diesel::Timestamp>, Vec<i64>) {
    places.iter().map(|place| (place.at, place.id)).unzip()
}

impl List for Filter {
    type Row = Place;

    fn at(place: &Place) -> Timestamp {
        place.at.to_jiff()
    }

    fn nearest(&self, count: i64) -> Nearest {
        let cursor_ms = self.cursor.map(|cursor| cursor.at_ms);
        Nearest::of_page(count, (self.from_ms, self.to_ms), cursor_ms, self.earliest_first, false)
    }

    async fn load(&self, conn: &mut AsyncPgConnection, rows: Rows, count: i64) -> Result<Vec<Place>, Error> {
        let of_message = OfMessage { column: "events.message_id", matches: self.messages.matches() };
        let query = match rows {
            Rows::Near => {
                let rows = in_order(self, false).limit(A_WALK);
                return Ok(Near { rows, table: "events", of_message, count }.load(conn).await?);
            }
            Rows::All => in_order(self, false),
            Rows::Matching => in_order(self, false).filter(of_message),
            // The events of some messages are read and sorted.
            Rows::Of(ids) => in_order(self, true).filter(events::message_id.eq_any(ids)),
        };
        Ok(query.limit(count).load(conn).await?)
    }
}

type Query<'a> = events::BoxedQuery<'a, Pg, SqlTypeOf<AsSelect<Place, Pg>>>;

/// The events in the order asked for, of whichever message. Those that are to be `sorted` are not
/// ordered by the column itself: the planner might rather walk over all events and wait for them.
fn in_order(filter: &Filter, sorted: bool) -> Query<'_> {
    let at_ms = |operator: &str, ms: i64| {
        sql::<Bool>("events.at ").sql(operator).sql(" to_timestamp(").bind::<BigInt, _>(ms).sql(" / 1000.0)")
    };
    let mut query = events::table.select(Place::as_select()).into_boxed();
    if !filter.states.is_empty() {
        // As literals: the planner compares them with the condition of the index.
        let states: Vec<String> = filter.states.iter().map(|state| format!("'{state}'")).collect();
        query = query.filter(sql::<Bool>(&format!("events.state in ({})", states.join(", "))));
    }
    if let Some(from) = filter.from_ms {
        query = query.filter(at_ms(">=", from));
    }
    // A bound in whole milliseconds includes the whole millisecond.
    if let Some(to) = filter.to_ms {
        query = query.filter(at_ms("<", to.saturating_add(1)));
    }
    if let Some(Cursor { at_ms, seq }) = filter.cursor {
        // A cursor shows milliseconds, the log has microseconds: the event's own row has its exact
        // place. A bare time, or an event that is gone, stands for the edge of its millisecond.
        let edge = if seq.is_none() && !filter.earliest_first { at_ms.saturating_add(1) } else { at_ms };
        let seq = seq.unwrap_or(i64::MIN);
        query = query.filter(
            sql::<Bool>("(events.at, events.id) ")
                .sql(if filter.earliest_first { ">" } else { "<" })
                .sql(" (coalesce((select e.at from events e where e.at >= to_timestamp(")
                .bind::<BigInt, _>(at_ms)
                .sql(" / 1000.0) and e.at < to_timestamp(")
                .bind::<BigInt, _>(at_ms.saturating_add(1))
                .sql(" / 1000.0) and e.id = ")
                .bind::<BigInt, _>(seq)
                .sql("), to_timestamp(")
                .bind::<BigInt, _>(edge)
                .sql(" / 1000.0)), ")
                .bind::<BigInt, _>(seq)
                .sql(")"),
        );
    }
    let at = if sorted { "events.at + interval '0'" } else { "events.at" };
    let direction = if filter.earliest_first { "asc" } else { "desc" };
    query.order(sql::<Bool>(&format!("{at} {direction}, events.id {direction}")))
}
