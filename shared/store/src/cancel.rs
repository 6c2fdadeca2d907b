//! Cancel: an open message is closed at once; a delivery under way finds its lease gone.

use std::marker::PhantomData;

use diesel::sql_types::{Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::MessageId;
use uuid::Uuid;

use crate::Error;

/// What a cancel found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was open, and is now cancelled.
    Yes,
    /// It had already ended in this state.
    AlreadyEnded(String),
    /// There is no such message.
    Unknown,
}

statement! {
    /// Pending, waiting for a retry or in flight: all are open, and all are cancelled. Dispatchers
    /// are told, so that the one that holds it stops pushing.
    Cancel { id: Uuid => SqlUuid } -> (Bool, Nullable<Text>);
    "with wanted as (select " {id} " as id),
    cancelled as (
        update messages m set state = 'cancelled', due_at = null, lease_token = null, waits_for = null,
                              finished_at = now()
        from wanted where m.id = wanted.id and m.finished_at is null
        returning m.id
    ),
    logged as (
        insert into events (message_id, state)
        select id, state from cancelled, unnest(array['CANCEL_REQUESTED', 'CANCELED']::event_state[]) as state
    ),
    given_back as (delete from slots where message_id in (select id from cancelled)),
    told as (select pg_notify('sigpost', 'cancelled')::text from cancelled)
    select exists (select from cancelled), (select m.state::text from messages m join wanted using (id))
    from (select 1) one left join told on true"
}

/// Cancels one message.
pub async fn cancel(conn: &mut AsyncPgConnection, id: MessageId) -> Result<Cancelled, Error> {
    let statement = Cancel { id: id.0, lifetime: PhantomData };
    // The second column is read from before the update: with the first false, it is where the message ended.
    let (cancelled, state): (bool, Option<String>) = statement.get_result(conn).await?;
    Ok(match state {
        _ if cancelled => Cancelled::Yes,
        Some(state) => Cancelled::AlreadyEnded(state),
        None => Cancelled::Unknown,
    })
}
