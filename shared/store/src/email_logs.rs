//! The delivery status of e-mails.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Error;

/// The statuses of an e-mail, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmailStatus {
    /// Accepted by the mail service.
    Sent,
    /// Accepted by the recipient's server.
    Delivered,
    /// The mail service could not deliver it.
    Failed,
    /// The recipient's server rejected it.
    Bounced,
    /// The recipient marked it as spam.
    Complained,
}

impl EmailStatus {
    /// Returns the status as in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

/// An e-mail that the mail service has accepted.
#[derive(Clone, Copy, Debug)]
pub struct SentEmail<'a> {
    /// Its ID at the mail service.
    pub email_id: &'a str,
    /// The mail service, e.g. `resend`.
    pub provider: &'a str,
    /// All recipients, separated by commas.
    pub recipient: &'a str,
    /// Its template.
    pub template: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// The message whose job sent it.
    pub message_id: &'a str,
    /// The time for which it is scheduled, RFC 3339. `None` for immediately.
    pub scheduled_at: Option<&'a str>,
}

/// A status update from the mail service.
#[derive(Clone, Copy, Debug)]
pub struct EmailNews<'a> {
    /// Its ID at the mail service.
    pub email_id: &'a str,
    /// The mail service, e.g. `resend`.
    pub provider: &'a str,
    /// All recipients, separated by commas.
    pub recipient: &'a str,
    /// Its subject.
    pub subject: Option<&'a str>,
    /// The new status.
    pub status: EmailStatus,
    /// Time of the update.
    pub at: Timestamp,
    /// Why it failed or bounced.
    pub error: Option<&'a str>,
}

statement! {
    /// An update may arrive before the sender has inserted the row: then it is inserted here.
    Update {
        id: Uuid => SqlUuid,
        email_id: &'a str => Text,
        provider: &'a str => Text,
        recipient: &'a str => Text,
        subject: Option<&'a str> => Nullable<Text>,
        status: &'static str => Text,
        at_ms: i64 => BigInt,
        error: Option<&'a str> => Nullable<Text>,
    } -> Text;
    "with news as (
        select " {status} "::email_status as status, to_timestamp(" {at_ms} " / 1000.0) as at
    )
    insert into email_logs as known
        (id, email_id, provider, recipient, subject, status, sent_at, delivered_at, failed_at, error_message)
    select " {id} "," {email_id} "," {provider} "," {recipient} "," {subject} ", status, at,
           case when status = 'delivered' then at end, case when status in ('failed', 'bounced') then at end, " {error} "
    from news
    on conflict (email_id) do update set
        subject = coalesce(known.subject, excluded.subject),
        status = greatest(known.status, excluded.status),
        sent_at = least(known.sent_at, excluded.sent_at),
        delivered_at = coalesce(known.delivered_at, excluded.delivered_at),
        failed_at = coalesce(known.failed_at, excluded.failed_at),
        error_message = coalesce(known.error_message, excluded.error_message),
        updated_at = now()
    returning status::text"
}

statement! {
    /// The row may exist: from an update of the mail service, or from an earlier run. Its status is then at least
    /// `sent`, and stays.
    Insert {
        id: Uuid => SqlUuid,
        email_id: &'a str => Text,
        provider: &'a str => Text,
        recipient: &'a str => Text,
        template: &'a str => Text,
        subject: &'a str => Text,
        message_id: &'a str => Text,
        scheduled_at: Option<&'a str> => Nullable<Text>,
    } -> Text;
    "insert into email_logs as known
        (id, email_id, provider, recipient, template_type, subject, status, metadata)
    values (" {id} "," {email_id} "," {provider} "," {recipient} "," {template} "," {subject} ",
            'sent', jsonb_strip_nulls(jsonb_build_object('messageId', " {message_id} "::text, 'scheduledAt', " {scheduled_at} "::text)))
    on conflict (email_id) do update set
        recipient = excluded.recipient,
        template_type = excluded.template_type,
        subject = excluded.subject,
        metadata = coalesce(known.metadata, '{}') || excluded.metadata,
        sent_at = least(known.sent_at, excluded.sent_at),
        updated_at = now()
    returning status::text"
}

/// Records a sent e-mail. Returns its current status, to which earlier updates of the mail service contribute.
/// Idempotent.
pub async fn insert(conn: &mut AsyncPgConnection, sent: SentEmail<'_>) -> Result<String, Error> {
    let SentEmail { email_id, provider, recipient, template, subject, message_id, scheduled_at } = sent;
    let statement = Insert {
        id: Uuid::now_v7(),
        email_id,
        provider,
        recipient,
        template,
        subject,
        message_id,
        scheduled_at,
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}

/// Records a status update. The status never moves back: late updates add their time and change nothing else. Returns
/// the current status.
pub async fn update(conn: &mut AsyncPgConnection, news: EmailNews<'_>) -> Result<String, Error> {
    let EmailNews { email_id, provider, recipient, subject, status, at, error } = news;
    let statement = Update {
        id: Uuid::now_v7(),
        email_id,
        provider,
        recipient,
        subject,
        status: status.as_str(),
        at_ms: at.as_millisecond(),
        error,
        lifetime: PhantomData,
    };
    Ok(statement.get_result(conn).await?)
}
