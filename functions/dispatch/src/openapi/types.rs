//! JSON schemas of requests and responses, generated from their Rust types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// Schema generators. They differ in which fields are optional: requests are deserialized, responses serialized.
pub(super) struct Types {
    pub(super) requests: SchemaGenerator,
    pub(super) answers: SchemaGenerator,
}

impl Types {
    pub(super) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }

    /// Returns the schemas of all referenced types for `components.schemas`.
    pub(super) fn into_schemas(mut self) -> Value {
        let mut answers = Value::Object(self.answers.take_definitions(true));
        never_null(&mut answers);
        let mut all = Value::Object(self.requests.take_definitions(true));
        if let (Value::Object(all), Value::Object(answers)) = (&mut all, answers) {
            all.extend(answers);
        }
        tidy(&mut all);
        all
    }
}

/// Removes `null` from types: responses omit fields without a value.
fn never_null(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::Array(types)) = keywords.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = &mut types[..] {
                    let only = only.take();
                    keywords.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = keywords.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                if let [Value::Object(only)] = &mut choices[..] {
                    let only = std::mem::take(only);
                    keywords.remove("anyOf");
                    keywords.extend(only);
                }
            }
            keywords.values_mut().for_each(never_null);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(never_null),
        _ => {}
    }
}

/// Removes what has a meaning only in Rust: formats of unsigned integers (the schema has their minimum), and from
/// descriptions, which are doc comments, the links and all paragraphs but the first.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let of_rust = |format: &Value| format.as_str().is_some_and(|format| format.starts_with("uint"));
            keywords.retain(|name, value| name != "format" || !of_rust(value));
            for (name, value) in keywords {
                match value {
                    Value::String(text) if name == "description" => *text = description(text),
                    value => tidy(value),
                }
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(tidy),
        _ => {}
    }
}

fn description(comment: &str) -> String {
    let (first, _) = comment.split_once("\n\n").unwrap_or((comment, ""));
    without_links(first).replace('\n', " ")
}

/// Replaces links by their text: `` [`Message`](crate::Message) `` becomes `` `Message` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((name, after)) = link.split_once(']') else { break };
        plain.extend([before, name]);
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{never_null, tidy};

    #[test]
    fn of_comments_the_first_paragraph_stays_without_links() {
        let text = "A [`Message`](crate::Message), see [`name`]\nand [resource name](crate::is) [open\n\nMore.";
        let mut schema = json!({ "a": [{ "description": text, "format": "uint32" }], "format": "int64" });
        tidy(&mut schema);
        let plain = "A `Message`, see `name` and resource name [open";
        assert_eq!(schema, json!({ "a": [{ "description": plain }], "format": "int64" }));
    }

    #[test]
    fn what_may_be_left_out_is_not_null_as_well() {
        let mut schema = json!({
            "text": { "type": ["string", "null"] },
            "link": { "anyOf": [{ "$ref": "#/x" }, { "type": "null" }], "description": "d" },
            "choice": { "anyOf": [{ "type": "string" }, { "type": "array" }] },
        });
        never_null(&mut schema);
        assert_eq!(
            schema,
            json!({
                "text": { "type": "string" },
                "link": { "$ref": "#/x", "description": "d" },
                "choice": { "anyOf": [{ "type": "string" }, { "type": "array" }] },
            })
        );
    }
}
