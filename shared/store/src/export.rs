//! Exports of tables, page by page in the order of their keys.
//!
//! A page is one statement on a connection that then returns to the pool, so that a long export holds no transaction
//! and no snapshot open. A row that is inserted during the export may be included or not; no row is included twice,
//! and no earlier row is missing.
//!
//! Exports contain no payloads, bodies, headers, results or metadata: they are large and may be confidential.

mod pages;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::pages::{Bounds, Place};
use crate::{Database, Error};

/// Rows per page. A row has at most some 20 KB (an error text and a URL), and usually 300 bytes.
pub const PAGE: i64 = 1_000;

/// The exported entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entity {
    /// Messages, by acceptance time.
    Messages,
    /// Events of messages, by time.
    Events,
    /// Dead letters, by failure time.
    DeadLetters,
    /// Runs of handlers, by start time.
    JobExecutions,
    /// E-mails and their status, by sending time.
    EmailLogs,
    /// Notifications of users, by time.
    Notifications,
    /// Activity logs of organizations, by time.
    ActivityLogs,
}

/// One column of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in the header row.
    pub name: &'static str,
    /// The type of its cells.
    pub kind: Kind,
}

/// The type of a column's cells. Every cell is written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
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
    /// Returns the name on the wire, which file names contain.
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

    /// Returns the columns in the order of the cells.
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

    /// Returns the valid states of a filter; none if rows have no state.
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

    /// Returns whether a filter may have a job type.
    pub fn has_job_types(self) -> bool {
        matches!(self, Self::JobExecutions)
    }

    /// Returns whether a filter may have a user.
    pub fn has_users(self) -> bool {
        matches!(self, Self::JobExecutions | Self::Notifications | Self::ActivityLogs)
    }

    /// Returns whether a filter may have an organization.
    pub fn has_organizations(self) -> bool {
        matches!(self, Self::JobExecutions | Self::ActivityLogs)
    }
}

/// A filter of rows; `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Inclusive lower bound.
    pub created_after: Option<Timestamp>,
    /// Exclusive upper bound.
    pub created_before: Option<Timestamp>,
    /// A state, one of [`Entity::statuses`].
    pub status: Option<String>,
    /// A job type of runs.
    pub job_type: Option<String>,
    /// The user of the row.
    pub user_id: Option<String>,
    /// The organization of the row.
    pub organization_id: Option<String>,
}

/// A row: one cell for each column.
pub type Row = Vec<Option<String>>;

/// A cursor over the rows, page by page.
#[derive(Debug)]
pub struct Walk<'a> {
    database: &'a Database,
    entity: Entity,
    bounds: Bounds<'a>,
    place: Option<Place>,
    is_over: bool,
}

impl<'a> Walk<'a> {
    /// Starts at the first row of the filter. Rows later than this moment, by the database's clock, are excluded, so
    /// that the export ends.
    pub async fn begin(database: &'a Database, entity: Entity, filter: &'a Filter) -> Result<Self, Error> {
        let now_ms = pages::now_ms(&mut *database.connection().await?).await?;
        let bounds = Bounds::new(filter, now_ms);
        Ok(Self { database, entity, bounds, place: None, is_over: false })
    }

    /// Returns the next rows, at most [`PAGE`]; none at the end.
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
