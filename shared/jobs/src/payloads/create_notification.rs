//! `create-notification`: notifies one or many users.

mod event;
mod kind;
mod metadata;

use std::time::Duration;

pub use event::{Event, Priority};
use jiff::Timestamp;
pub use kind::{Category, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Invalid, Job};

/// Maximum number of users of one job. One statement inserts all rows.
const MAX_USERS: usize = 10_000;
/// Maximum length of a user ID in bytes.
const MAX_USER_ID_BYTES: usize = 255;

/// Notifies one or many users.
///
/// In JSON for one user `{"userId", "type", "title", ...}`, and for many `{"userIds": [...], "event": {"type", "title", ...}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct CreateNotification {
    /// Recipients.
    pub to: Recipients,
    /// Content.
    pub event: Event,
}

/// Recipients of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// ID of one user: 1 to 255 bytes.
    User(String),
    /// IDs of 1 to 10,000 users. Duplicates are ignored.
    Users(Vec<String>),
}

impl Recipients {
    /// Returns the IDs of the users.
    pub fn ids(&self) -> &[String] {
        match self {
            Self::User(id) => std::slice::from_ref(id),
            Self::Users(ids) => ids,
        }
    }
}

impl Job for CreateNotification {
    const TYPE: &'static str = "create-notification";
    const ENDPOINT: &'static str = "/api/jobs/notifications";
    const RETRIES: u32 = 3;
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn validate(&self) -> Result<(), Invalid> {
        match &self.to {
            Recipients::User(id) => check_user("userId", id)?,
            Recipients::Users(ids) if ids.is_empty() || ids.len() > MAX_USERS => {
                return Err(Invalid::new("userIds", format!("must be 1 to {MAX_USERS} users")));
            }
            Recipients::Users(ids) => {
                ids.iter().enumerate().try_for_each(|(index, id)| check_user(&format!("userIds[{index}]"), id))?;
            }
        }
        self.event.validate(if matches!(self.to, Recipients::User(_)) { "" } else { "event." })
    }
}

fn check_user(field: &str, id: &str) -> Result<(), Invalid> {
    if id.is_empty() || id.len() > MAX_USER_ID_BYTES || id.chars().any(char::is_control) {
        return Err(Invalid::new(field, format!("must be 1 to {MAX_USER_ID_BYTES} bytes without control characters")));
    }
    Ok(())
}

/// Union of both forms, so that errors name the field of the given form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Category>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl TryFrom<Wire> for CreateNotification {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        fn required<T>(name: &str, value: Option<T>) -> Result<T, String> {
            value.ok_or_else(|| format!("missing field `{name}`"))
        }
        if wire.user_ids.is_some() || wire.event.is_some() {
            let to = Recipients::Users(required("userIds", wire.user_ids)?);
            return Ok(Self { to, event: required("event", wire.event)? });
        }
        let to = Recipients::User(required("userId", wire.user_id)?);
        let event = Event {
            kind: required("type", wire.kind)?,
            category: wire.category,
            priority: wire.priority.unwrap_or_default(),
            title: required("title", wire.title)?,
            message: required("message", wire.message)?,
            metadata: wire.metadata,
            expires_at: wire.expires_at,
        };
        Ok(Self { to, event })
    }
}

impl From<CreateNotification> for Wire {
    fn from(CreateNotification { to, event }: CreateNotification) -> Self {
        match to {
            Recipients::Users(ids) => Self { user_ids: Some(ids), event: Some(event), ..Self::default() },
            Recipients::User(id) => {
                let Event { kind, category, priority, title, message, metadata, expires_at } = event;
                let (kind, priority) = (Some(kind), Some(priority));
                let (title, message) = (Some(title), Some(message));
                Self {
                    user_id: Some(id),
                    kind,
                    category,
                    priority,
                    title,
                    message,
                    metadata,
                    expires_at,
                    ..Self::default()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn both_forms_are_read_and_written() {
        let one = json!({
            "userId": "u1", "type": "team.member_added", "category": "product", "priority": "important", "title": "T",
            "message": "M", "metadata": { "actionUrl": "/team" }, "expiresAt": "2026-12-24T18:00:00Z",
        });
        let many = json!({
            "userIds": ["u1", "u2"],
            "event": { "type": "system.update", "priority": "info", "title": "T", "message": "M" },
        });
        for json in [one, many] {
            let job: CreateNotification = from_value(json.clone()).expect("a job");
            assert_eq!(job.validate(), Ok(()));
            assert_eq!(to_value(job).expect("JSON"), json);
        }
    }

    #[test]
    fn error_names_the_field_of_the_form_that_was_given() {
        let event = |title: &str| Event::new(Kind::SystemUpdate, title, "M");
        let error = |to, event| CreateNotification { to, event }.validate().expect_err("invalid").to_string();
        let user = || Recipients::User("u1".into());
        let users = |ids: &[&str]| Recipients::Users(ids.iter().map(|id| (*id).to_owned()).collect());
        assert_eq!(error(user(), event("")), "title: must be 1 to 255 characters");
        assert_eq!(error(users(&["u1"]), event(&"é".repeat(256))), "event.title: must be 1 to 255 characters");
        assert_eq!(error(user(), event("a\nb")), "title: must not contain control characters");
        assert_eq!(error(users(&[]), event("T")), "userIds: must be 1 to 10000 users");
        assert!(error(users(&["u1", ""]), event("T")).starts_with("userIds[1]: must be 1 to 255 bytes"));
        assert!(error(Recipients::User("u\0".into()), event("T")).starts_with("userId: "));
    }
}
