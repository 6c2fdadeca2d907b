//! Tables for people: what can be exported, read page by page in the order of their keys.
//!
//! A page is one statement on a connection that goes back to the pool after it, so that an export
//! that lasts for minutes holds no transaction and no snapshot open. A row that is written while the
//! export is under way is in it or is not; none is in it twice, and none of before is left out.
//!
//! Payloads, bodies, headers and results are in no export, and no metadata: they are large, and may hold
//! what nobody should have in a file.

mod pages;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::pages::{Bounds, Place};
use crate::{Database, Error};

/// Rows of a page. A row has at most some 20 KB (an error text and a URL), and most have 300 bytes.
pub const PAGE: i64 = 1_000;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entity {
    /// Messages, by when they were accepted.
    Messages,
    /// The log of the messages, by when it happened.
    Events,
    /// Messages that failed for good, by when they failed.
    DeadLetters,
    /// Runs of handlers, by when they began.
    JobExecutions,
    /// What became of e-mails, by when they were sent.
    EmailLogs,
    /// What users were told, by when.
    Notifications,
    /// What happened in organizations, by when it happened.
    ActivityLogs,
}

/// One column of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// As in the table's first row.
    pub name: &'static str,
    /// What its cells are.
    pub kind: Kind,
}

/// What the cells of a column are. Every cell is written as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever somebody wrote.
    Text,
    /// A decimal number.
    Number,
    /// RFC 3339 in UTC.
    Time,
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: Kind::Number }
}

const fn time(name: &'static str) -> Column {
    Column { name, kind: Kind::Time }
}

impl Entity {
    /// Its name on the wire, and in the names of files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Events => "events",
            Self::DeadLetters => "deadLetters",
            Self::JobExecutions => "jobExecutions",
            Self::EmailLogs => "emailLogs",
            Self::Notifications => "notifications",
            Self::ActivityLogs => "activityLogs",
        }
    }

    /// In the order of the cells of its rows.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Messages => {
                const {
                    &[
                        text("messageId"),
                        text("state"),
                        text("url"),
                        text("method"),
                        time("createdAt"),
                        time("notBefore"),
                        time("finishedAt"),
                        number("deliveries"),
                        number("retried"),
                        number("retries"),
                        text("queue"),
                        text("urlGroup"),
                        text("scheduleId"),
                        text("labels"),
                    ]
                }
            }
            Self::Events => {
                const {
                    &[
                        time("at"),
                        text("messageId"),
                        text("state"),
                        number("responseStatus"),
                        text("error"),
                        time("nextDeliveryAt"),
                    ]
                }
            }
            Self::DeadLetters => {
                const {
                    &[
                        text("messageId"),
                        text("url"),
                        time("failedAt"),
                        number("responseStatus"),
                        text("error"),
                        number("deliveries"),
                        text("queue"),
                        text("scheduleId"),
                    ]
                }
            }
            Self::JobExecutions => {
                const {
                    &[
                        text("runId"),
                        text("messageId"),
                        text("type"),
                        number("attempt"),
                        text("status"),
                        time("startedAt"),
                        time("completedAt"),
                        number("durationMs"),
                        text("userId"),
                        text("organizationId"),
                        text("error"),
                    ]
                }
            }
            Self::EmailLogs => {
                const {
                    &[
                        text("emailId"),
                        text("recipient"),
                        text("template"),
                        text("subject"),
                        text("status"),
                        text("provider"),
                        text("messageId"),
                        time("sentAt"),
                        time("deliveredAt"),
                        time("failedAt"),
                        text("error"),
                    ]
                }
            }
            Self::Notifications => {
                const {
                    &[
                        text("notificationId"),
                        text("messageId"),
                        text("userId"),
                        text("type"),
                        text("category"),
                        text("priority"),
                        text("title"),
                        text("message"),
                        text("status"),
                        time("createdAt"),
                        time("readAt"),
                        time("expiresAt"),
                    ]
                }
            }
            Self::ActivityLogs => {
                const {
                    &[
                        text("activityId"),
                        text("organizationId"),
                        text("userId"),
                        text("action"),
                        text("ipAddress"),
                        time("createdAt"),
                    ]
                }
            }
        }
    }

    /// The states that a filter may ask for; none where rows have no state.
    pub fn statuses(self) -> &'static [&'static str] {
        match self {
            Self::Messages => &["pending", "active", "delivered", "failed", "cancelled"],
            Self::Events => {
                &["CREATED", "ACTIVE", "RETRY", "ERROR", "DELIVERED", "FAILED", "CANCEL_REQUESTED", "CANCELED"]
            }
            Self::DeadLetters | Self::ActivityLogs => &[],
            Self::JobExecutions => &["processing", "completed", "failed"],
            Self::EmailLogs => &["sent", "delivered", "failed", "bounced", "complained"],
            Self::Notifications => &["unread", "read"],
        }
    }

    /// Whether a filter may ask for a type of job.
    pub fn has_job_types(self) -> bool {
        matches!(self, Self::JobExecutions)
    }

    /// Whether a filter may ask for a user.
    pub fn has_users(self) -> bool {
        matches!(self, Self::JobExecutions | Self::Notifications | Self::ActivityLogs)
    }

    /// Whether a filter may ask for an organization.
    pub fn has_organizations(self) -> bool {
        matches!(self, Self::JobExecutions | Self::ActivityLogs)
    }
}

/// Which rows; what is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not before.
    pub created_after: Option<Timestamp>,
    /// Before.
    pub created_before: Option<Timestamp>,
    /// In this state, one of [`Entity::statuses`].
    pub status: Option<String>,
    /// Runs of this type of job.
    pub job_type: Option<String>,
    /// Of this user, or on behalf of them.
    pub user_id: Option<String>,
    /// Of this organization, or for it.
    pub organization_id: Option<String>,
}

/// A row: as many cells as there are columns.
pub type Row = Vec<Option<String>>;

/// A walk over the rows, one page at a time.
#[derive(Debug)]
pub struct Walk<'a> {
    database: &'a Database,
    entity: Entity,
    bounds: Bounds<'a>,
    place: Option<Place>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    /// From the first row that the filter lets through. Rows of after this moment, by the database's
    /// clock, are not in it: so it comes to an end.
    pub async fn begin(database: &'a Database, entity: Entity, filter: &'a Filter) -> Result<Self, Error> {
        let now_ms = pages::now_ms(&mut *database.connection().await?).await?;
        let bounds = Bounds::new(filter, now_ms);
        Ok(Self { database, entity, bounds, place: None, is_over: false })
    }

    /// The next rows, at most [`PAGE`]; none when there are no more.
    pub async fn next_page(&mut self) -> Result<Vec<Row>, Error> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let mut conn = self.database.connection().await?;
        let page = pages::read(&mut conn, self.entity, &self.bounds, self.place.take()).await?;
        drop(conn);
        self.is_over = i64::try_from(page.rows.len()).unwrap_or(i64::MAX) < PAGE;
        self.place = page.last;
        Ok(page.rows)
    }
}
