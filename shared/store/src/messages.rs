//! Messages in memory and in their table.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Binary;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use sigpost_qstash::{
    Callback, Called, FlowControl, Headers, MessageId, Method, Redact, RetryDelay, without_user_info,
};
use uuid::Uuid;

use crate::Error;
use crate::filter::Filter;
use crate::schema::{message_states, messages};
use crate::search::{Found, Wanted, plan_for_searching, search};
use crate::stored::Stored;

/// An accepted message: all data needed to deliver and to show it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The ID, equal for all attempts.
    pub id: MessageId,
    /// The destination as the sender wrote it, without user info, which is in `header`.
    pub url: String,
    /// The method of the delivery.
    pub method: Method,
    /// Content-Type and forwarded headers.
    pub header: Headers,
    /// Delivered unmodified.
    pub body: Bytes,
    /// Attempts allowed after the first.
    pub retries: u32,
    /// Timeout of one attempt; `None` means the deployment's maximum.
    pub timeout: Option<Duration>,
    /// The sender's expression of the retry delay.
    pub retry_delay: Option<RetryDelay>,
    /// The callback of every attempt.
    pub callback: Option<Box<Callback>>,
    /// The callback of the final failure.
    pub failure_callback: Option<Box<Callback>>,
    /// For filters.
    pub labels: Vec<String>,
    /// Address of the publisher.
    pub caller_ip: Option<String>,
    /// For a callback, the message that it reports on.
    pub callback_of: Option<MessageId>,
    /// Rare options.
    pub extras: Extras,
}

/// Rare options. Statements bind them as one JSON text, so that a message without any of them costs nothing; in the
/// table they are columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// The queue.
    pub queue_name: Option<String>,
    /// The flow-control keys, with the limits of the publish.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flow_control: Vec<FlowControl>,
    /// Among blocked messages, higher values first.
    pub priority: i32,
    /// The URL group of the publish.
    pub topic_name: Option<String>,
    /// The endpoint's name within the group.
    pub endpoint_name: Option<String>,
    /// The schedule that published it.
    pub schedule_id: Option<String>,
    /// The redacted parts.
    #[serde(skip_serializing_if = "Redact::is_empty")]
    pub redact: Redact,
    /// For a callback of a queue's message: the queue, which waits for the end of this callback, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keeps_waiting: Option<String>,
}

/// The states of a message; see `docs/src/explanation/lifecycle.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Scheduled, due or blocked: the first attempt or a retry.
    Pending,
    /// Leased by a dispatcher.
    Active,
    /// A 2xx was received.
    Delivered,
    /// Failed; has a dead letter.
    Failed,
    /// Cancelled before it was delivered.
    Cancelled,
}

impl MessageState {
    /// Returns the name as in the database and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn from_label(label: &str) -> Self {
        match label {
            "pending" => Self::Pending,
            "active" => Self::Active,
            "delivered" => Self::Delivered,
            "cancelled" => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

/// A message with its state.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// The accepted message.
    pub message: Message,
    /// The state.
    pub state: MessageState,
    /// Recorded failed attempts.
    pub retried: u32,
    /// When it was accepted, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// The earliest first delivery, in milliseconds since 1970.
    pub not_before_ms: i64,
}

/// The columns of `message_states` that make a [`StoredMessage`] with a body, as every query selects them.
#[derive(Queryable, Selectable)]
#[diesel(table_name = message_states, check_for_backend(diesel::pg::Pg))]
pub(crate) struct MessageRow {
    pub(crate) id: Uuid,
    state: String,
    retried: i32,
    url: String,
    method: String,
    header: serde_json::Value,
    retries: i32,
    timeout_ms: Option<i64>,
    retry_delay: Option<String>,
    callback: Option<serde_json::Value>,
    failure_callback: Option<serde_json::Value>,
    labels: Option<Vec<String>>,
    caller_ip: Option<String>,
    callback_of: Option<Uuid>,
    queue_name: Option<String>,
    flow_control: Option<serde_json::Value>,
    priority: i32,
    topic_name: Option<String>,
    endpoint_name: Option<String>,
    schedule_id: Option<String>,
    redact: Option<String>,
    not_before: jiff_diesel::Timestamp,
    created_at: jiff_diesel::Timestamp,
}

/// The size of a message `m` in a list, without its body.
pub(crate) const SIZE: &str =
    " (octet_length(m.url) + octet_length(m.header::text) + coalesce(octet_length(m.callback::text), 0)
    + coalesce(octet_length(m.failure_callback::text), 0))::bigint ";

/// Selects the body, or an empty one, which Postgres does not read.
pub(crate) fn body(is_wanted: bool) -> SqlLiteral<Binary> {
    sql(if is_wanted { "message_states.body" } else { "''::bytea" })
}

impl From<(MessageRow, Vec<u8>)> for StoredMessage {
    fn from((row, body): (MessageRow, Vec<u8>)) -> Self {
        let stored = Stored(row.id);
        let mut header: Headers = stored.value("header", Some(row.header));
        let retry_delay = row.retry_delay.map(|text| RetryDelay::parse("Upstash-Retry-Delay", &text)).transpose();
        // An invalid value hides everything.
        let redact = row.redact.map(|text| Redact::parse("redact", &text).unwrap_or_else(|_| Redact::everything()));
        let (url, user_info) = without_user_info(row.url);
        if let Some(authorization) = user_info.and_then(|user_info| authorization_of(&user_info)) {
            header.set_url_authorization(&authorization);
        }
        Self {
            state: MessageState::from_label(&row.state),
            retried: row.retried.unsigned_abs(),
            created_at_ms: row.created_at.to_jiff().as_millisecond(),
            not_before_ms: row.not_before.to_jiff().as_millisecond(),
            message: Message {
                id: MessageId(row.id),
                url,
                method: stored.field("method", row.method.parse()),
                header,
                body: body.into(),
                retries: row.retries.unsigned_abs(),
                timeout: row.timeout_ms.map(|ms| Duration::from_millis(ms.unsigned_abs())),
                retry_delay: stored.field("retry_delay", retry_delay),
                callback: stored.value("callback", row.callback),
                failure_callback: stored.value("failure_callback", row.failure_callback),
                labels: row.labels.unwrap_or_default(),
                caller_ip: row.caller_ip,
                callback_of: row.callback_of.map(MessageId),
                extras: Extras {
                    queue_name: row.queue_name,
                    flow_control: stored.value("flow_control", row.flow_control),
                    priority: row.priority,
                    topic_name: row.topic_name,
                    endpoint_name: row.endpoint_name,
                    schedule_id: row.schedule_id,
                    redact: redact.unwrap_or_default(),
                    keeps_waiting: None,
                },
            },
        }
    }
}

/// The arguments that follow a column in `regexp_replace(` to remove user info from a URL: schedules store it, and so
/// did messages of earlier releases.
pub(crate) const WITHOUT_USER_INFO: &str = ", '^(https?://)[^/?#]*@', '\\1', 'i')";

/// Returns the `Authorization` of user info: earlier releases kept it in the URL.
fn authorization_of(user_info: &str) -> Option<String> {
    Called::parse(&format!("http://{user_info}@host")).ok()?.authorization
}

/// Returns the message with this ID in any state.
pub async fn find(conn: &mut AsyncPgConnection, id: MessageId) -> Result<Option<StoredMessage>, Error> {
    let row =
        message_states::table.find(id.0).select((MessageRow::as_select(), body(true))).first(conn).await.optional()?;
    Ok(row.map(|row: (MessageRow, Vec<u8>)| row.into()))
}

/// Returns the existing messages with these IDs, in no order.
pub(crate) async fn find_all(
    conn: &mut AsyncPgConnection,
    ids: &[Uuid],
    with_bodies: bool,
) -> Result<HashMap<MessageId, StoredMessage>, Error> {
    let columns = (MessageRow::as_select(), body(with_bodies));
    let rows: Vec<(MessageRow, Vec<u8>)> =
        message_states::table.filter(message_states::id.eq_any(ids)).select(columns).load(conn).await?;
    Ok(rows.into_iter().map(StoredMessage::from).map(|stored| (stored.message.id, stored)).collect())
}

/// Returns whether any message matches.
pub async fn any_that_matches(conn: &mut AsyncPgConnection, filter: &Filter) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        plan_for_searching(conn).await?;
        Ok(match search(conn, filter, Wanted::Any).await? {
            Found::These(ids) | Found::Until(ids, _) => !ids.is_empty(),
            Found::Many => true,
        })
    })
    .await
}

/// Returns whether any message is stored.
pub async fn any(conn: &mut AsyncPgConnection) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(messages::table.select(messages::id))).get_result(conn).await?)
}
