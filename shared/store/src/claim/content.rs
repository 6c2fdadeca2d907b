//! The content of a claimed message: a row of the view `message_contents`.

use std::time::Duration;

use diesel::prelude::Queryable;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Uuid as SqlUuid};
use sigpost_qstash::{MessageId, RetryDelay};
use uuid::Uuid;

use super::Lease;
use crate::messages::Message;
use crate::stored::Stored;

/// The SQL types of the view's columns.
pub(crate) type ContentColumns = (
    SqlUuid,
    Text,
    Text,
    Text,
    Binary,
    Integer,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Array<Text>>,
    Nullable<Text>,
    Nullable<SqlUuid>,
    BigInt,
    BigInt,
    Nullable<Text>,
);

#[derive(Queryable)]
pub(crate) struct Content {
    id: Uuid,
    url: String,
    method: String,
    header: String,
    body: Vec<u8>,
    retries: i32,
    timeout_ms: Option<i64>,
    retry_delay: Option<String>,
    callback: Option<String>,
    failure_callback: Option<String>,
    labels: Option<Vec<String>>,
    caller_ip: Option<String>,
    callback_of: Option<Uuid>,
    created_at_ms: i64,
    not_before_ms: i64,
    extras: Option<String>,
}

impl Content {
    /// Returns a lease with this content.
    pub(crate) fn into_lease(self, token: Uuid, deliveries: i32, retried: i32) -> Lease {
        let stored = Stored(self.id);
        let retry_delay = self.retry_delay.map(|text| RetryDelay::parse("Upstash-Retry-Delay", &text)).transpose();
        Lease {
            token,
            retried: retried.unsigned_abs(),
            deliveries: deliveries.unsigned_abs(),
            created_at_ms: self.created_at_ms,
            not_before_ms: self.not_before_ms,
            message: Message {
                id: MessageId(self.id),
                url: self.url,
                method: stored.field("method", self.method.parse()),
                header: stored.text("header", Some(self.header)),
                body: self.body.into(),
                retries: self.retries.unsigned_abs(),
                timeout: self.timeout_ms.map(|ms| Duration::from_millis(ms.unsigned_abs())),
                retry_delay: stored.field("retry_delay", retry_delay),
                callback: stored.text("callback", self.callback),
                failure_callback: stored.text("failure_callback", self.failure_callback),
                labels: self.labels.unwrap_or_default(),
                caller_ip: self.caller_ip,
                callback_of: self.callback_of.map(MessageId),
                extras: stored.text("extras", self.extras),
            },
        }
    }
}
