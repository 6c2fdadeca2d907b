//! Which of many a bulk call is about, when its body says so.

use serde::Deserialize;

use crate::{Invalid, json};

/// Most ids in one body.
pub const MAX_IDS: usize = 10_000;

/// Body of `DELETE /v2/messages`: `{"messageIds": […]}`.
///
/// The ids are text: one that cannot be an id is one that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageIds(pub Option<Vec<String>>);

/// Body of `DELETE /v2/dlq` and `POST /v2/dlq/retry`: `{"dlqIds": […]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DlqIds(pub Option<Vec<String>>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Request {
    message_ids: Option<Vec<String>>,
    dlq_ids: Option<Vec<String>>,
}

impl MessageIds {
    /// Reads the body. `None`: there are no ids in it (or it is empty), so other filters apply.
    /// An empty list is an empty list: nothing is to be done.
    ///
    /// # Errors
    ///
    /// Not such JSON or more than [`MAX_IDS`]; the error names the field.
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        Ok(Self(bounded("messageIds", request(body)?.message_ids)?))
    }
}

impl DlqIds {
    /// Reads the body, as [`MessageIds::parse`].
    ///
    /// # Errors
    ///
    /// As [`MessageIds::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, Invalid> {
        Ok(Self(bounded("dlqIds", request(body)?.dlq_ids)?))
    }
}

fn request(body: &[u8]) -> Result<Request, Invalid> {
    if body.trim_ascii().is_empty() {
        return Ok(Request { message_ids: None, dlq_ids: None });
    }
    json::parse(body)
}

fn bounded(field: &str, ids: Option<Vec<String>>) -> Result<Option<Vec<String>>, Invalid> {
    if ids.as_ref().is_some_and(|ids| ids.len() > MAX_IDS) {
        return Err(Invalid::new(field, format!("must not be more than {MAX_IDS} ids")));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::{DlqIds, MAX_IDS, MessageIds};

    #[test]
    fn no_list_is_not_an_empty_list() {
        let ids = |body: &str| MessageIds::parse(body.as_bytes()).unwrap().0;
        for body in ["", " \n", "{}", r#"{"messageIds":null}"#, r#"{"dlqIds":["a"],"label":"x"}"#] {
            assert_eq!(ids(body), None, "{body}");
        }
        assert_eq!(ids(r#"{"messageIds":[]}"#), Some(Vec::new()));
        assert_eq!(ids(r#"{"messageIds":["a","b"]}"#).unwrap(), ["a", "b"]);
        assert_eq!(DlqIds::parse(br#"{"dlqIds":["1-0"]}"#).unwrap().0.unwrap(), ["1-0"]);
    }

    #[test]
    fn refusals_name_the_field() {
        let many = format!(r#"{{"dlqIds":[{}""]}}"#, r#""","#.repeat(MAX_IDS));
        for (body, message) in [
            (r#"{"dlqIds":"1-0"}"#, "dlqIds: invalid type: string \"1-0\", expected a sequence"),
            (r#"{"dlqIds":["1-0",2]}"#, "dlqIds[1]: invalid type: integer `2`, expected a string"),
            (&many, "dlqIds: must not be more than 10000 ids"),
            ("{", "body: is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(DlqIds::parse(body.as_bytes()).unwrap_err().to_string(), message, "{body:.40}");
        }
    }
}
