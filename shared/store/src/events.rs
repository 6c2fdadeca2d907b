//! The log: reading it. It is written by the statements that make things happen.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::{Cursor, EventState, MessageId};
use uuid::Uuid;

use crate::Error;
use crate::messages::{MessageRow, StoredMessage};
use crate::record::Response;
use crate::schema::{events, messages};

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

/// Which events; empty lists and `None` do not restrict.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these messages.
    pub message_ids: Vec<MessageId>,
    /// In one of these states.
    pub states: Vec<EventState>,
    /// Of messages to exactly these destinations.
    pub urls: Vec<String>,
    /// Of messages with one of these labels.
    pub labels: Vec<String>,
    /// Not before, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Not after, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// Continue behind this event.
    pub cursor: Option<Cursor>,
    /// Oldest first instead of newest first.
    pub earliest_first: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct Row {
    at: jiff_diesel::Timestamp,
    id: i64,
    state: String,
    response_status: Option<i32>,
    response_header: Option<serde_json::Value>,
    response_body: Option<Vec<u8>>,
    error: Option<String>,
    next_delivery_at: Option<jiff_diesel::Timestamp>,
}

impl From<(Row, MessageRow)> for Event {
    fn from((row, message): (Row, MessageRow)) -> Self {
        Self {
            at_ms: row.at.to_jiff().as_millisecond(),
            id: row.id,
            state: row.state.parse().unwrap_or(EventState::Error),
            response: row.response_status.map(|status| Response {
                status: u16::try_from(status).unwrap_or(0),
                header: row.response_header.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
                body: row.response_body.unwrap_or_default().into(),
            }),
            error: row.error,
            next_delivery_at_ms: row.next_delivery_at.map(|at| at.to_jiff().as_millisecond()),
            message: message.into(),
        }
    }
}

/// A page of the log, newest first unless asked otherwise.
pub async fn list(conn: &mut AsyncPgConnection, filter: &Filter, count: i64) -> Result<Vec<Event>, Error> {
    let at_ms = |operator: &str, ms: i64| {
        sql::<Bool>("events.at ").sql(operator).sql(" to_timestamp(").bind::<BigInt, _>(ms).sql(" / 1000.0)")
    };
    let mut query = events::table
        .inner_join(messages::table.on(messages::id.eq(events::message_id)))
        .select((Row::as_select(), MessageRow::as_select()))
        .limit(count)
        .into_boxed();
    if !filter.message_ids.is_empty() {
        let ids: Vec<Uuid> = filter.message_ids.iter().map(|id| id.0).collect();
        query = query.filter(events::message_id.eq_any(ids));
    }
    if !filter.states.is_empty() {
        let states: Vec<&'static str> = filter.states.iter().map(|state| state.as_str()).collect();
        query = query.filter(sql::<Bool>("events.state = any(").bind::<Array<Text>, _>(states).sql("::event_state[])"));
    }
    if !filter.urls.is_empty() {
        query = query.filter(messages::url.eq_any(&filter.urls));
    }
    if !filter.labels.is_empty() {
        query = query.filter(messages::labels.overlaps_with(&filter.labels));
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
    query = if filter.earliest_first {
        query.order((events::at.asc(), events::id.asc()))
    } else {
        query.order((events::at.desc(), events::id.desc()))
    };
    let rows: Vec<(Row, MessageRow)> = query.load(conn).await?;
    Ok(rows.into_iter().map(Event::from).collect())
}
