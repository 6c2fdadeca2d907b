//! Records outcomes of attempts, many in one statement, fenced by the lease token.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::{DeadLetterId, Headers, MessageId};
use uuid::Uuid;

use crate::accept::{Arrival, LeaseTerms, NewMessage, accept};
use crate::gates::keep_waiting;
use crate::{Error, WakeUps};

/// The outcome of one attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The message.
    pub id: MessageId,
    /// The lease token of the attempt.
    pub token: Uuid,
    /// The next state of the message.
    pub next: Next,
    /// The response of the destination, if any.
    pub response: Option<Response>,
    /// The error of the attempt.
    pub error: Option<String>,
    /// Whether it has slots, or makes a queue wait: these are released.
    pub has_slots: bool,
}

impl Outcome {
    fn stored_status(&self) -> Option<i32> {
        self.response.as_ref().map(|response| i32::from(response.status))
    }

    fn stored_header(&self) -> Option<String> {
        let response = self.response.as_ref().filter(|response| !response.header.is_empty())?;
        serde_json::to_string(&response.header).ok()
    }

    fn stored_body(&self) -> Option<&[u8]> {
        self.response.as_ref().map(|response| &response.body[..]).filter(|body| !body.is_empty())
    }
}

/// The state of a message after an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// A 2xx response.
    Delivered,
    /// Failed; retried after this delay.
    Retry(Duration),
    /// Failed without retries left: a dead letter.
    Failed,
    /// Not attempted, or interrupted by a shutdown: due again after this delay, and neither a retry nor a lost lease.
    GivenBack(Duration),
}

impl Next {
    fn label(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry(_) => "retried",
            Self::Failed => "failed",
            Self::GivenBack(_) => "given_back",
        }
    }
}

/// A response, truncated for storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// All of its headers.
    pub header: Headers,
    /// The beginning of its body.
    pub body: Bytes,
}

/// The result of recording a batch.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The messages whose outcome was recorded, with the dead letter of failed ones. A missing message had lost its
    /// lease: another dispatcher has claimed it, or it was cancelled, and nothing was changed.
    pub messages: HashMap<MessageId, Option<DeadLetterId>>,
    /// Retries, and the limits with freed slots.
    pub wake_ups: WakeUps,
}

statement! {
    Record {
        ids: Vec<Uuid> => Array<SqlUuid>,
        tokens: Vec<Uuid> => Array<SqlUuid>,
        nexts: Vec<&'static str> => Array<Text>,
        delays_s: Vec<f64> => Array<Double>,
        statuses: Vec<Option<i32>> => Array<Nullable<Integer>>,
        headers: Vec<Option<String>> => Array<Nullable<Text>>,
        bodies: Vec<Option<&'a [u8]>> => Array<Nullable<Binary>>,
        errors: Vec<Option<&'a str>> => Array<Nullable<Text>>,
        any_has_slots: bool => Bool,
    } -> (SqlUuid, Nullable<BigInt>, Nullable<BigInt>, Array<Text>);
    file "record/record.sql"
}

statement! {
    /// For most batches: successful deliveries without slots. It touches only the two tables that they need: every
    /// other table costs each execution, even without rows for it.
    RecordDelivered {
        ids: Vec<Uuid> => Array<SqlUuid>,
        tokens: Vec<Uuid> => Array<SqlUuid>,
        statuses: Vec<Option<i32>> => Array<Nullable<Integer>>,
        headers: Vec<Option<String>> => Array<Nullable<Text>>,
        bodies: Vec<Option<&'a [u8]>> => Array<Nullable<Binary>>,
    } -> SqlUuid;
    file "record/delivered.sql"
}

statement! {
    /// For deliveries with slots; see the function in the migration.
    RecordDeliveredWithSlots {
        ids: Vec<Uuid> => Array<SqlUuid>,
        tokens: Vec<Uuid> => Array<SqlUuid>,
        statuses: Vec<Option<i32>> => Array<Nullable<Integer>>,
        headers: Vec<Option<String>> => Array<Nullable<Text>>,
        bodies: Vec<Option<&'a [u8]>> => Array<Nullable<Binary>>,
    } -> (SqlUuid, Array<Text>);
    "select message_id, freed from record_delivered(" {ids} "," {tokens} "," {statuses} "," {headers} "," {bodies} ")"
}

/// What all of these statements read: a list for each column.
struct Columns<'a> {
    ids: Vec<Uuid>,
    tokens: Vec<Uuid>,
    statuses: Vec<Option<i32>>,
    headers: Vec<Option<String>>,
    bodies: Vec<Option<&'a [u8]>>,
}

impl<'a> Columns<'a> {
    fn of(batch: &[&'a Outcome]) -> Self {
        Self {
            ids: batch.iter().map(|outcome| outcome.id.0).collect(),
            tokens: batch.iter().map(|outcome| outcome.token).collect(),
            statuses: batch.iter().map(|outcome| outcome.stored_status()).collect(),
            headers: batch.iter().map(|outcome| outcome.stored_header()).collect(),
            bodies: batch.iter().map(|outcome| outcome.stored_body()).collect(),
        }
    }
}

/// Records the batch in one statement and one commit (or in the caller's transaction).
pub async fn record(conn: &mut AsyncPgConnection, batch: &[&Outcome]) -> Result<Recorded, Error> {
    if batch.iter().all(|outcome| outcome.next == Next::Delivered) {
        return match batch.iter().any(|outcome| outcome.has_slots) {
            true => record_delivered_with_slots(conn, batch).await,
            false => record_delivered(conn, batch).await,
        };
    }
    let Columns { ids, tokens, statuses, headers, bodies } = Columns::of(batch);
    let statement = Record {
        ids,
        tokens,
        nexts: batch.iter().map(|outcome| outcome.next.label()).collect(),
        delays_s: batch
            .iter()
            .map(|outcome| match outcome.next {
                Next::Retry(delay) | Next::GivenBack(delay) => delay.as_secs_f64(),
                Next::Delivered | Next::Failed => 0.0,
            })
            .collect(),
        statuses,
        headers,
        bodies,
        errors: batch.iter().map(|outcome| outcome.error.as_deref()).collect(),
        any_has_slots: batch.iter().any(|outcome| outcome.has_slots),
        lifetime: PhantomData,
    };
    type Row = (Uuid, Option<i64>, Option<i64>, Vec<String>);
    let rows: Vec<Row> = statement.load(conn).await?;
    let mut recorded = Recorded::default();
    for (id, failed_at_ms, seq, freed) in rows {
        let dead_letter = failed_at_ms.zip(seq).map(|(failed_at_ms, seq)| DeadLetterId { failed_at_ms, seq });
        recorded.messages.insert(MessageId(id), dead_letter);
        recorded.wake_ups = recorded.wake_ups.and(WakeUps::at_limits(freed));
    }
    for outcome in batch.iter().filter(|outcome| recorded.messages.contains_key(&outcome.id)) {
        match outcome.next {
            Next::Retry(delay) | Next::GivenBack(delay) => recorded.wake_ups.add_due(delay),
            Next::Delivered | Next::Failed => {}
        }
    }
    Ok(recorded)
}

async fn record_delivered(conn: &mut AsyncPgConnection, batch: &[&Outcome]) -> Result<Recorded, Error> {
    let Columns { ids, tokens, statuses, headers, bodies } = Columns::of(batch);
    let statement = RecordDelivered { ids, tokens, statuses, headers, bodies, lifetime: PhantomData };
    let ids: Vec<Uuid> = statement.load(conn).await?;
    let messages = ids.into_iter().map(|id| (MessageId(id), None)).collect();
    Ok(Recorded { messages, wake_ups: WakeUps::default() })
}

async fn record_delivered_with_slots(conn: &mut AsyncPgConnection, batch: &[&Outcome]) -> Result<Recorded, Error> {
    let Columns { ids, tokens, statuses, headers, bodies } = Columns::of(batch);
    let statement = RecordDeliveredWithSlots { ids, tokens, statuses, headers, bodies, lifetime: PhantomData };
    let rows: Vec<(Uuid, Vec<String>)> = statement.load(conn).await?;
    let mut recorded = Recorded::default();
    for (id, freed) in rows {
        recorded.messages.insert(MessageId(id), None);
        recorded.wake_ups = recorded.wake_ups.and(WakeUps::at_limits(freed));
    }
    Ok(recorded)
}

/// Records the batch and stores the resulting messages in one transaction.
pub async fn record_and_accept(
    conn: &mut AsyncPgConnection,
    batch: &[&Outcome],
    follow_up: impl FnOnce(&Recorded) -> Vec<NewMessage> + Send,
) -> Result<Recorded, Error> {
    conn.transaction(async |conn| {
        let mut recorded = record(conn, batch).await?;
        let arrivals: Vec<Arrival> =
            follow_up(&recorded).into_iter().map(|new| Arrival { new, leased: false }).collect();
        if !arrivals.is_empty() {
            let accepted = accept(conn, &arrivals, LeaseTerms::NONE, true).await?;
            recorded.wake_ups = recorded.wake_ups.and(accepted.wake_ups);
            keep_waiting(conn, arrivals.iter().map(|arrival| &arrival.new.message)).await?;
        }
        Ok(recorded)
    })
    .await
}
