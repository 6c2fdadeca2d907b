//! Requests and responses of `/v2/queues`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, parse_resource_name};

/// A queue (QStash OpenAPI, `Queue`). All fields are always present. Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: i64,
    /// When its settings were last changed.
    pub updated_at: i64,
    /// Maximum of messages in flight.
    pub parallelism: u32,
    /// Whether deliveries are paused.
    pub paused: bool,
    /// Messages that are not finished.
    pub lag: i64,
}

/// Body of `POST /v2/queues`, which creates a queue or replaces its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(with = "Request")]
pub struct UpsertQueue {
    /// A [resource name](crate::is_resource_name).
    pub queue_name: String,
    /// At least 1. Default 1: messages are delivered strictly one after another.
    pub parallelism: u32,
    /// Default false.
    pub paused: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", expecting = "an object")]
#[schemars(rename = "UpsertQueue")]
struct Request {
    /// Letters, digits, hyphens, underscores and periods.
    #[schemars(required)]
    queue_name: Option<String>,
    /// Maximum of messages in flight, at least 1. Default 1: messages are delivered strictly one after another.
    #[schemars(range(min = 1))]
    parallelism: Option<i64>,
    /// Whether deliveries are paused. Default false.
    paused: Option<bool>,
}

impl UpsertQueue {
    /// Parses the body; `null` counts as absent, unknown fields are ignored.
    ///
    /// # Errors
    ///
    /// The body has another form, no name or an invalid one, or a parallelism below 1; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        Self::read(body).map_err(Invalid::in_body)
    }

    fn read(body: &[u8]) -> Result<Self, Invalid> {
        let request: Request = crate::json::parse("a JSON object", body)?;
        let name = request.queue_name.ok_or_else(|| Invalid::new("queueName", "is missing"))?;
        // Larger values are capped, since they exceed the limit of every deployment.
        let parallelism = request.parallelism.unwrap_or(1).min(u32::MAX.into());
        Ok(Self {
            queue_name: parse_resource_name("queueName", &name)?,
            parallelism: u32::try_from(parallelism)
                .ok()
                .filter(|number| *number >= 1)
                .ok_or_else(|| Invalid::got("parallelism", "must be 1 or more", parallelism))?,
            paused: request.paused.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Queue, UpsertQueue};

    #[test]
    fn a_queue_shows_all_that_python_indexes() {
        let queue = Queue { name: "q".to_owned(), created_at: 1, updated_at: 2, parallelism: 3, paused: true, lag: 4 };
        assert_eq!(
            serde_json::to_value(queue).unwrap(),
            json!({ "name": "q", "createdAt": 1, "updatedAt": 2, "parallelism": 3, "paused": true, "lag": 4 })
        );
    }

    #[test]
    fn settings_have_defaults() {
        for (body, parallelism, paused) in [
            (r#"{"queueName":"q"}"#, 1, false),
            (r#"{"queueName":"q","parallelism":null,"paused":null,"more":1}"#, 1, false),
            (r#"{"queueName":"q","parallelism":2,"paused":true}"#, 2, true),
            (r#"{"queueName":"q","parallelism":9000000000}"#, u32::MAX, false),
        ] {
            let expected = UpsertQueue { queue_name: "q".to_owned(), parallelism, paused };
            assert_eq!(UpsertQueue::parse(body.as_bytes()), Ok(expected), "{body}");
        }
    }

    #[test]
    fn rejections_name_the_field() {
        for (body, message) in [
            ("", "invalid body: expected a JSON object, got an empty body"),
            ("7", "invalid body: expected a JSON object, got 7"),
            ("{}", "queueName: is missing"),
            (
                r#"{"queueName":"a b"}"#,
                "queueName: must be a name of letters, digits, hyphens, underscores and periods, got \"a b\"",
            ),
            (r#"{"queueName":7}"#, "queueName: must be a string, got 7"),
            (r#"{"queueName":"q","parallelism":0}"#, "parallelism: must be 1 or more, got \"0\""),
            (r#"{"queueName":"q","parallelism":-1}"#, "parallelism: must be 1 or more, got \"-1\""),
            (r#"{"queueName":"q","parallelism":"1"}"#, "parallelism: must be a whole number, got \"1\""),
            (r#"{"queueName":"q","paused":"no"}"#, "paused: must be a boolean, got \"no\""),
        ] {
            assert_eq!(UpsertQueue::parse(body.as_bytes()).unwrap_err().to_string(), message, "{body}");
        }
    }
}
