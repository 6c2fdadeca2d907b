//! YAML as CloudFormation reads it: `!Sub x` is `{"Fn::Sub": x}`, and `Fn::ForEach` is expanded.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// Returns every document of a file as JSON.
pub(super) fn documents(text: &str) -> Vec<Value> {
    YamlOwned::load_from_str(text).expect("YAML").into_iter().map(json_of).collect()
}

fn json_of(node: YamlOwned) -> Value {
    match node {
        YamlOwned::Value(ScalarOwned::String(text)) => json!(text),
        YamlOwned::Value(ScalarOwned::Integer(number)) => json!(number),
        YamlOwned::Value(ScalarOwned::FloatingPoint(number)) => json!(number.into_inner()),
        YamlOwned::Value(ScalarOwned::Boolean(yes)) => json!(yes),
        YamlOwned::Value(ScalarOwned::Null) => Value::Null,
        YamlOwned::Sequence(items) => items.into_iter().map(json_of).collect(),
        YamlOwned::Mapping(entries) => {
            let entry = |(key, value)| (json_of(key).as_str().expect("a text as key").to_owned(), json_of(value));
            Value::Object(entries.into_iter().map(entry).collect())
        }
        YamlOwned::Tagged(tag, node) => {
            let function = if tag.suffix == "Ref" { "Ref".to_owned() } else { format!("Fn::{}", tag.suffix) };
            json!({ function: json_of(*node) })
        }
        other => panic!("CloudFormation does not support {other:?}"),
    }
}

/// Returns the section with its loops expanded.
pub(super) fn expanded(section: &Value) -> Map<String, Value> {
    let mut all = Map::new();
    for (key, value) in section.as_object().into_iter().flatten() {
        if !key.starts_with("Fn::ForEach::") {
            all.insert(key.clone(), value.clone());
            continue;
        }
        let name = value[0].as_str().expect("a loop's name");
        for item in value[1].as_array().expect("a loop's values") {
            let item = item.as_str().expect("a text");
            let bare: String = item.chars().filter(char::is_ascii_alphanumeric).collect();
            let body = value[2]
                .to_string()
                .replace(&format!("${{{name}}}"), item)
                .replace(&format!("&{{{name}}}"), &bare)
                .replace(&format!(r#"{{"Ref":"{name}"}}"#), &format!("\"{item}\""));
            all.extend(serde_json::from_str::<Map<String, Value>>(&body).expect("a loop's body"));
        }
    }
    all
}
