//! The JSON of requests and answers, as their Rust types declare it.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// What describes the types that are met. That of requests and that of answers differ in what may
/// be left out.
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

    /// All types that were met, for `components.schemas`.
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

/// An answer leaves out what it does not have.
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

/// Takes out what means something in Rust only: the formats of its unsigned integers (their minimum
/// is there anyway), and of the comments of our types, which are the descriptions, all but the first
/// paragraph without its links.
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

/// Of `` [`Message`](crate::Message) `` stays `` `Message` ``.
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
