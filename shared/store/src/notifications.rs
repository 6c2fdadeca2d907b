//! Notifications of users in the product.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Double, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::Error;

/// A notification, equal for all its recipients.
#[derive(Clone, Debug)]
pub struct NewNotification<'a> {
    /// The job's message, which with the user is the key.
    pub message_id: &'a str,
    /// The event, e.g. `billing.payment_failed`.
    pub kind: &'a str,
    /// The category, e.g. `billing`.
    pub category: &'a str,
    /// `critical`, `important` or `info`.
    pub priority: &'a str,
    /// Title, one line.
    pub title: &'a str,
    /// The text.
    pub message: &'a str,
    /// Data for its display, such as a link.
    pub metadata: Option<&'a Value>,
    /// Expiry.
    pub expires_at: Option<Timestamp>,
}

statement! {
    /// Repeated runs conflict with their own rows, as do duplicate users.
    Insert {
        ids: Vec<Uuid> => Array<SqlUuid>,
        user_ids: &'a [String] => Array<Text>,
        message_id: &'a str => Text,
        kind: &'a str => Text,
        category: &'a str => Text,
        priority: &'a str => Text,
        title: &'a str => Text,
        message: &'a str => Text,
        metadata: Option<String> => Nullable<Text>,
        expires_at_s: Option<f64> => Nullable<Double>,
    } -> BigInt;
    "with written as (
        insert into notifications
            (id, user_id, message_id, kind, category, priority, title, message, metadata, expires_at)
        select id, user_id, " {message_id} "," {kind} "," {category} "," {priority} "::notification_priority,"
               {title} "," {message} "," {metadata} "::jsonb, to_timestamp(" {expires_at_s} ")
        from unnest(" {ids} "," {user_ids} ") as recipient (id, user_id)
        on conflict on constraint notifications_once_per_message_and_user do nothing
        returning id
    )
    select count(*) from written"
}

/// Notifies each user once per message, all or none. Returns the number of inserted rows: zero if an earlier run of
/// the message inserted them.
pub async fn insert(
    conn: &mut AsyncPgConnection,
    user_ids: &[String],
    new: &NewNotification<'_>,
) -> Result<i64, Error> {
    #[expect(clippy::cast_precision_loss, reason = "microseconds are exact in an f64 until the year 2255")]
    let seconds = |at: Timestamp| at.as_microsecond() as f64 / 1_000_000.0;
    let statement = Insert {
        ids: user_ids.iter().map(|_| Uuid::now_v7()).collect(),
        user_ids,
        message_id: new.message_id,
        kind: new.kind,
        category: new.category,
        priority: new.priority,
        title: new.title,
        message: new.message,
        metadata: new.metadata.map(Value::to_string),
        expires_at_s: new.expires_at.map(seconds),
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}
