//! What became of each e-mail.

use std::marker::PhantomData;

use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Error;

/// The states of an e-mail, in the order in which it goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmailStatus {
    /// The mail service has taken it.
    Sent,
    /// The recipient's server has taken it.
    Delivered,
    /// The mail service has given it up.
    Failed,
    /// The recipient's server has refused it.
    Bounced,
    /// The recipient has called it spam.
    Complained,
}

impl EmailStatus {
    /// As in the database.
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

/// An e-mail that the mail service has taken.
#[derive(Clone, Copy, Debug)]
pub struct SentEmail<'a> {
    /// The mail service's id of it.
    pub email_id: &'a str,
    /// The mail service, e.g. `resend`.
    pub provider: &'a str,
    /// Everybody it is for, with a comma between them.
    pub recipient: &'a str,
    /// The template it was made from.
    pub template: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// The message whose job sent it.
    pub message_id: &'a str,
    /// When the mail service was asked to send it; RFC 3339. `None` for at once.
    pub scheduled_at: Option<&'a str>,
}

/// What the mail service tells of an e-mail.
#[derive(Clone, Copy, Debug)]
pub struct EmailNews<'a> {
    /// The mail service's id of it.
    pub email_id: &'a str,
    /// The mail service, e.g. `resend`.
    pub provider: &'a str,
    /// Everybody it was for, with a comma between them.
    pub recipient: &'a str,
    /// Its subject.
    pub subject: Option<&'a str>,
    /// What has happened.
    pub status: EmailStatus,
    /// When.
    pub at: Timestamp,
    /// Why it was given up or came back.
    pub error: Option<&'a str>,
}

statement! {
    /// The news may come before whoever sent the e-mail has written it down: then the row is made here.
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
    /// The row may be there: made by the mail service's news, or by an earlier run. Its status is then
    /// not less than `sent`, and stays.
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

/// Writes down an e-mail that was sent just now. Returns the status it has: what the mail service has told
/// of it before counts. Writing it again changes nothing.
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

/// Writes down what has happened to an e-mail. Its status only moves forward: news that come late add their
/// time and change nothing else. Returns the status it has now.
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
