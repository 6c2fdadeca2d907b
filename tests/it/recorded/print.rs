//! JSON in the format of recordings: a value that fits is on one line.

use serde_json::Value;

/// Maximum number of columns.
const WIDTH: usize = 120;

/// Returns the value with a line for each part that does not fit.
pub(super) fn print(value: &Value) -> String {
    let mut text = String::new();
    append(&mut text, value, 0, 0);
    text
}

fn append(text: &mut String, value: &Value, indent: usize, column: usize) {
    let compact = compact(value);
    let is_small = column + compact.len() < WIDTH;
    match value {
        Value::Array(items) if !is_small => {
            let items = items.iter().map(|item| (String::new(), item));
            append_all(text, ('[', ']'), items.collect(), indent);
        }
        Value::Object(fields) if !is_small => {
            let fields = fields.iter().map(|(name, value)| (format!("{}: ", Value::from(&**name)), value));
            append_all(text, ('{', '}'), fields.collect(), indent);
        }
        _ => text.push_str(&compact),
    }
}

fn append_all(text: &mut String, (open, close): (char, char), parts: Vec<(String, &Value)>, indent: usize) {
    text.push(open);
    let last = parts.len().saturating_sub(1);
    for (index, (name, value)) in parts.into_iter().enumerate() {
        text.push('\n');
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(&name);
        append(text, value, indent + 2, indent + 2 + name.len());
        if index < last {
            text.push(',');
        }
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn compact(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{}: {}", Value::from(&**name), compact(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[test]
fn printed_value_is_the_same_value() {
    let long = "x".repeat(WIDTH);
    let value = serde_json::json!({ "a": [1, { "b": long }, [], {}], "c": { "d\"": null }, "e": [long, long] });
    assert_eq!(serde_json::from_str::<Value>(&print(&value)).expect("JSON"), value);
}
