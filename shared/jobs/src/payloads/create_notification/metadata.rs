//! Metadata of a notification: known members, which are checked, and members of the product.

use serde_json::{Map, Value};

use crate::Invalid;

/// Maximum size as JSON in bytes. It is small because each user may get a copy.
const MAX_BYTES: usize = 4096;
/// Known members. All are strings.
const KNOWN: [&str; 7] = ["actionUrl", "actionLabel", "actorId", "actorName", "entityId", "entityType", "imageUrl"];

pub(super) fn check(field: &str, metadata: &Map<String, Value>) -> Result<(), Invalid> {
    let json = Value::Object(metadata.clone()).to_string();
    if json.len() > MAX_BYTES {
        return Err(Invalid::new(field, format!("must not be larger than {MAX_BYTES} bytes of JSON")));
    }
    // Postgres does not store zero bytes in text.
    if json.contains("\\u0000") {
        return Err(Invalid::new(field, "must not contain zero bytes"));
    }
    for name in KNOWN {
        match metadata.get(name) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(_) => return Err(Invalid::new(format!("{field}.{name}"), "must be a string")),
        }
    }
    match metadata.get("actionUrl") {
        Some(Value::String(url)) if !is_path(url) => {
            Err(Invalid::new(format!("{field}.actionUrl"), "must be a path of the product and start with one \"/\""))
        }
        _ => Ok(()),
    }
}

/// Whether the URL is a path. Browsers treat `//host` and `/\host` as another site.
fn is_path(url: &str) -> bool {
    url.starts_with('/') && !url[1..].starts_with(['/', '\\']) && !url.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(metadata: &Value) -> Result<(), String> {
        check("metadata", metadata.as_object().expect("an object")).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn action_leads_into_the_product_and_nowhere_else() {
        for path in ["/", "/app/settings?tab=billing#x"] {
            assert_eq!(checked(&json!({ "actionUrl": path })), Ok(()));
        }
        for elsewhere in ["", "app", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"] {
            let error = checked(&json!({ "actionUrl": elsewhere })).expect_err(elsewhere);
            assert!(error.starts_with("metadata.actionUrl: must be a path"), "{error}");
        }
    }

    #[test]
    fn known_members_are_texts_and_others_are_free() {
        assert_eq!(checked(&json!({ "actorName": "Ada", "entityId": null, "own": { "n": [1] } })), Ok(()));
        assert_eq!(checked(&json!({ "actorId": 7 })), Err("metadata.actorId: must be a string".into()));
    }

    #[test]
    fn metadata_is_small_and_storable() {
        let large = checked(&json!({ "own": "x".repeat(4096) })).expect_err("large");
        assert!(large.starts_with("metadata: must not be larger"), "{large}");
        assert_eq!(checked(&json!({ "own": "\0" })), Err("metadata: must not contain zero bytes".into()));
    }
}
