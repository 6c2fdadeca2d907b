//! Batches: many publishes in one request.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ErrorBody, Invalid, Published, json, parse_resource_name};

/// One message of `POST /v2/batch`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "Request")]
pub struct BatchItem {
    /// URL or URL group, for [`Destination::from_raw`](crate::Destination::from_raw).
    pub destination: String,
    /// Parameters and headers, for [`Params::from_pairs`](crate::Params::from_pairs).
    pub headers: BTreeMap<String, String>,
    /// The body to deliver. Default: empty.
    pub body: String,
    /// The queue of the message, a [resource name](crate::is_resource_name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
}

/// The result of an item: the published message or messages, or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchSlot {
    /// The item is stored.
    Published(Published),
    /// The item is rejected.
    Rejected(ErrorBody),
}

#[derive(Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
#[schemars(rename = "BatchItem")]
struct Request {
    /// A URL or the name of a URL group.
    #[schemars(required)]
    destination: Option<String>,
    /// The options of the message and its forwarded headers, under the same names as in a publish.
    headers: Option<BTreeMap<String, Option<String>>>,
    /// The body to deliver. Default: empty.
    body: Option<String>,
    /// The queue of the message.
    queue: Option<String>,
}

impl BatchItem {
    /// Parses the body of a request, an array, item by item. In an item, `null` counts as absent (Python sends
    /// `"body":null`), as does an empty queue (Go sends `"queue":""`); unknown fields are ignored. An invalid item
    /// does not affect the others.
    ///
    /// # Errors
    ///
    /// The outer error: the body is not a JSON array. The inner one: the item has another type, no destination or an
    /// invalid queue name; the field is `[index].field`.
    pub fn parse_all(body: &[u8]) -> Result<impl ExactSizeIterator<Item = Result<Self, Invalid>>, Invalid> {
        let items: Vec<&RawValue> = json::parse("a JSON array of messages", body)?;
        Ok(items.into_iter().enumerate().map(|(index, item)| Self::read(index, item)))
    }

    fn read(index: usize, item: &RawValue) -> Result<Self, Invalid> {
        let request: Request = json::parse_at(&format!("[{index}]"), item.get().as_bytes())?;
        let field = |name| format!("[{index}].{name}");
        let destination = request.destination.filter(|destination| !destination.is_empty());
        let queue = request.queue.filter(|queue| !queue.is_empty());
        let headers = request.headers.unwrap_or_default();
        Ok(Self {
            destination: destination.ok_or_else(|| Invalid::new(field("destination"), "is missing").in_body())?,
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            body: request.body.unwrap_or_default(),
            queue: queue
                .map(|queue| parse_resource_name(&field("queue"), &queue).map_err(Invalid::in_body))
                .transpose()?,
        })
    }

    /// Returns the headers, for [`Params::from_pairs`](crate::Params::from_pairs).
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::BatchItem;

    #[test]
    fn items_are_read_as_each_sdk_writes_them() {
        let body = r#"[
            {"destination":"https://a.com","headers":{"upstash-delay":"5s","x":null},"body":"hi","queue":"q"},
            {"destination":"https://a.com","headers":null,"body":null,"queue":null},
            {"destination":"group","queue":"","more":1}
        ]"#;
        let items: Vec<_> = BatchItem::parse_all(body.as_bytes()).unwrap().map(Result::unwrap).collect();
        assert_eq!(items[0].pairs().collect::<Vec<_>>(), [("upstash-delay", "5s")]);
        assert_eq!((items[0].body.as_str(), items[0].queue.as_deref()), ("hi", Some("q")));
        for (item, destination) in items[1..].iter().zip(["https://a.com", "group"]) {
            let expected = BatchItem {
                destination: destination.to_owned(),
                headers: Default::default(),
                body: String::new(),
                queue: None,
            };
            assert_eq!(*item, expected);
        }
        assert_eq!(BatchItem::parse_all(b"[]").unwrap().len(), 0);
    }

    #[test]
    fn what_is_no_array_is_rejected_as_a_whole() {
        for (body, message) in [
            ("{}", "invalid body: expected a JSON array of messages, got an object"),
            ("[", "invalid body: not valid JSON, it ends too early at line 1 column 1"),
            ("[{]", "invalid body: not valid JSON at line 1 column 3"),
            ("[] x", "invalid body: not valid JSON at line 1 column 4"),
        ] {
            assert_eq!(BatchItem::parse_all(body.as_bytes()).err().unwrap().to_string(), message, "{body}");
        }
    }

    #[test]
    fn a_bad_item_is_rejected_by_its_place_and_field_and_the_others_are_read() {
        for (item, message) in [
            ("7", "[1]: must be an object, got 7"),
            ("null", "[1]: must be an object, got null"),
            ("[7]", "[1][0]: must be a string, got 7"),
            (r#"{"body":{}}"#, "[1].body: must be a string, got an object"),
            (r#"{"headers":{"a":1}}"#, "[1].headers.a: must be a string, got 1"),
            (r#"{"destination":"\ud800"}"#, "[1]: not valid JSON at line 1 column 23"),
            (r#"{"destination":null}"#, "[1].destination: is missing"),
            (r#"{"destination":"g","queue":"a b"}"#, "[1].queue: must be a name of letters"),
        ] {
            let body = format!(r#"[{{"destination":"g"}},{item},{{"destination":"g"}}]"#);
            let items: Vec<_> = BatchItem::parse_all(body.as_bytes()).unwrap().collect();
            assert!(items[0].is_ok() && items[2].is_ok(), "{item}");
            let error = items[1].as_ref().unwrap_err().to_string();
            assert!(error.starts_with(message), "{item}: {error}");
        }
    }
}
