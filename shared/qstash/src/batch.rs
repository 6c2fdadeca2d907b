//! Many publishes in one request.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Invalid, json, parse_resource_name};

/// One message of `POST /v2/batch`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Request")]
pub struct BatchItem {
    /// URL or URL group, to be read by [`Destination::from_raw`](crate::Destination::from_raw).
    pub destination: String,
    /// To be read by [`Params::from_pairs`](crate::Params::from_pairs).
    pub headers: BTreeMap<String, String>,
    /// What is delivered; empty when not given.
    pub body: String,
    /// The queue it goes through, a [resource name](crate::is_resource_name).
    pub queue: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(expecting = "an object")]
#[schemars(rename = "BatchItem")]
struct Request {
    /// A URL or the name of a URL group.
    #[schemars(required)]
    destination: Option<String>,
    /// The options of the message and the headers it forwards, under the names they have in a
    /// publish.
    headers: Option<BTreeMap<String, Option<String>>>,
    /// What is delivered; empty when not given.
    body: Option<String>,
    /// The queue it goes through.
    queue: Option<String>,
}

impl BatchItem {
    /// Reads the body of a request: an array of items. Of an item, `null` is as good as absent
    /// (Python sends `"body":null`), so is an empty queue (Go sends `"queue":""`), and unknown
    /// fields are ignored. What is wrong with one item does not concern the others.
    ///
    /// # Errors
    ///
    /// The outer error: not such JSON, and the field is `[index].field`. The inner one: an item
    /// without destination or with a bad queue name.
    pub fn parse_all(body: &[u8]) -> Result<Vec<Result<Self, Invalid>>, Invalid> {
        let requests: Vec<Request> = json::parse(body)?;
        Ok(requests.into_iter().enumerate().map(|(index, request)| Self::read(index, request)).collect())
    }

    fn read(index: usize, request: Request) -> Result<Self, Invalid> {
        let field = |name| format!("[{index}].{name}");
        let destination = request.destination.filter(|destination| !destination.is_empty());
        let queue = request.queue.filter(|queue| !queue.is_empty());
        let headers = request.headers.unwrap_or_default();
        Ok(Self {
            destination: destination.ok_or_else(|| Invalid::new(field("destination"), "is missing"))?,
            headers: headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            body: request.body.unwrap_or_default(),
            queue: queue.map(|queue| parse_resource_name(&field("queue"), &queue)).transpose()?,
        })
    }

    /// Its headers, for [`Params::from_pairs`](crate::Params::from_pairs).
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
        let items: Vec<_> = BatchItem::parse_all(body.as_bytes()).unwrap().into_iter().map(Result::unwrap).collect();
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
        assert_eq!(BatchItem::parse_all(b"[]"), Ok(Vec::new()));
    }

    #[test]
    fn refusals_name_item_and_field() {
        for (body, message) in [
            ("{}", "body: invalid type: map, expected a sequence"),
            ("[", "body: is not JSON: EOF while parsing a list at line 1 column 1"),
            ("[] x", "body: is not JSON: trailing characters at line 1 column 4"),
            (r#"[{},{"body":{}}]"#, "[1].body: invalid type: map, expected a string"),
            (r#"[{"headers":{"a":1}}]"#, "[0].headers.a: invalid type: integer `1`, expected a string"),
        ] {
            assert_eq!(BatchItem::parse_all(body.as_bytes()).unwrap_err().to_string(), message, "{body}");
        }
        let items = BatchItem::parse_all(
            br#"[{"destination":"https://a.com"},{"destination":null},{"destination":"g","queue":"a b"}]"#,
        )
        .unwrap();
        let errors: Vec<_> = items.into_iter().map(|item| item.err().map(|error| error.to_string())).collect();
        assert_eq!(errors[0], None);
        assert_eq!(errors[1].as_deref(), Some("[1].destination: is missing"));
        assert!(errors[2].as_deref().unwrap().starts_with("[2].queue: must be a name of letters"));
    }
}
