//! Events of messages, which the API calls the log. They are derived from `messages`, `pending_deliveries` and
//! `attempts`; those of earlier releases are in `past_events`.

mod branches;
mod place;
mod places;

use std::collections::BTreeSet;
use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use sigpost_qstash::{Cursor, EventState, MessageId};
use uuid::Uuid;

use self::place::{Place, Row, Start};
use self::places::{Places, Which};
use crate::Error;
use crate::extent::{End, Extent, Page};
use crate::filter;
use crate::messages::StoredMessage;
use crate::messages::find_all;
use crate::record::Response;
use crate::search::{A_WALK, List, Nearest, Rows, page, plan_for_searching, set_plan_cache_mode};

/// An event of a message.
#[derive(Clone, Debug)]
pub struct Event {
    /// Time, in milliseconds since 1970.
    pub at_ms: i64,
    /// The number; with the time, the position in the log.
    pub id: i64,
    /// The state.
    pub state: EventState,
    /// The response of the destination, at the end of an attempt.
    pub response: Option<Response>,
    /// The error of an attempt.
    pub error: Option<String>,
    /// When the next attempt is due, in milliseconds since 1970.
    pub next_delivery_at_ms: Option<i64>,
    /// The message.
    pub message: StoredMessage,
}

/// A filter of events; empty lists and `None` do not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A filter of their messages.
    pub messages: filter::Filter,
    /// The states.
    pub states: Vec<EventState>,
    /// Events at this time or later, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Events at this time or earlier, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// The last event of the page before.
    pub cursor: Option<Cursor>,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

/// The outcome of an attempt in an event.
#[derive(Queryable)]
struct Ended {
    response_status: Option<i32>,
    response_header: Option<serde_json::Value>,
    response_body: Option<Vec<u8>>,
    error: Option<String>,
    retry_at: Option<jiff_diesel::Timestamp>,
}

impl Ended {
    fn of(self, place: &Place, message: StoredMessage) -> Event {
        Event {
            at_ms: place.at().as_millisecond(),
            id: place.number(),
            state: place.state,
            response: self.response_status.map(|status| Response {
                status: u16::try_from(status).unwrap_or(0),
                header: self.response_header.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
                body: self.response_body.unwrap_or_default().into(),
            }),
            error: self.error,
            next_delivery_at_ms: self.retry_at.map(|at| at.to_jiff().as_millisecond()),
            message,
        }
    }
}

statement! {
    Sizes {
        ats_us: Vec<i64> => Array<BigInt>,
        steps: Vec<i64> => Array<BigInt>,
        message_ids: Vec<Uuid> => Array<SqlUuid>,
        with_bodies: bool => Bool,
    } -> BigInt;
    file "events/sizes.sql"
}

statement! {
    Ends {
        ats_us: Vec<i64> => Array<BigInt>,
        steps: Vec<i64> => Array<BigInt>,
        message_ids: Vec<Uuid> => Array<SqlUuid>,
    } -> (Nullable<Integer>, Nullable<Json>, Nullable<Binary>, Nullable<Text>, Nullable<Timestamptz>);
    file "events/ends.sql"
}

/// Returns a page of events, newest first by default.
pub async fn list(conn: &mut AsyncPgConnection, filter: &Filter, extent: Extent) -> Result<Page<Event, Cursor>, Error> {
    conn.transaction(async |conn| {
        plan_for_searching(conn).await?;
        let start = match filter.cursor {
            Some(cursor) => Some(Start::find(conn, cursor, filter.earliest_first).await?),
            None => None,
        };
        let list = Listing { filter, start };
        let mut places = page(conn, &list, &filter.messages, extent.count_and_next()).await?;
        let (ats_us, steps, message_ids) = columns(&places);
        let sizes = Sizes { ats_us, steps, message_ids, with_bodies: extent.with_bodies, lifetime: PhantomData };
        let End { has_more, bytes } = extent.cut(&mut places, &sizes.load::<i64>(conn).await?);

        let (ats_us, steps, message_ids) = columns(&places);
        let ends: Vec<Ended> = Ends { ats_us, steps, message_ids, lifetime: PhantomData }.load(conn).await?;
        let of_messages: BTreeSet<Uuid> = places.iter().map(|place| place.message_id).collect();
        let of_messages: Vec<Uuid> = of_messages.into_iter().collect();
        let messages = find_all(conn, &of_messages, extent.with_bodies).await?;
        let with_message = |(place, ended): (&Place, Ended)| {
            Some(ended.of(place, messages.get(&MessageId(place.message_id))?.clone()))
        };
        Ok(Page {
            cursor: places.last().filter(|_| has_more).map(Place::cursor),
            rows: places.iter().zip(ends).filter_map(with_message).collect(),
            bytes,
        })
    })
    .await
}

fn columns(places: &[Place]) -> (Vec<i64>, Vec<i64>, Vec<Uuid>) {
    let ats_us = places.iter().map(|place| place.at_us).collect();
    (ats_us, places.iter().map(|place| place.step).collect(), places.iter().map(|place| place.message_id).collect())
}

/// A filter with the position after which the page begins.
struct Listing<'a> {
    filter: &'a Filter,
    start: Option<Start>,
}

impl List for Listing<'_> {
    type Row = Place;

    fn at(place: &Place) -> Timestamp {
        place.at()
    }

    fn nearest(&self, count: i64) -> Nearest {
        let Filter { from_ms, to_ms, cursor, earliest_first, .. } = self.filter;
        let cursor_ms = cursor.map(|cursor| cursor.at_ms);
        Nearest::of_page(count, (*from_ms, *to_ms), cursor_ms, *earliest_first, false)
    }

    async fn load(&self, conn: &mut AsyncPgConnection, rows: Rows, count: i64) -> Result<Vec<Place>, Error> {
        let which = match rows {
            Rows::All => Which::All,
            // Maximum of rows read in each branch.
            Rows::Near => Which::Near(A_WALK / 3),
            Rows::Matching => Which::Matching,
            Rows::Of(ids) => Which::Of(ids),
        };
        // Planning for each partition takes longer than the query: without a list of messages one plan fits any
        // values.
        let keeps_plan = !matches!(which, Which::Of(_));
        if keeps_plan {
            set_plan_cache_mode(conn, "force_generic_plan").await?;
        }
        let rows: Vec<Row> = Places::new(self.filter, self.start, which, count).load(conn).await?;
        if keeps_plan {
            set_plan_cache_mode(conn, "force_custom_plan").await?;
        }
        Ok(rows.into_iter().map(Place::from).collect())
    }
}
