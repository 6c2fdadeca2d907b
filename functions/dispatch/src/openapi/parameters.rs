//! The parameters of operations: in the path, in the query, and the `Upstash-*` headers.

use serde_json::{Value, json};
use sigpost_qstash::options::parameters::{PARAMETERS, Parameter, UsedBy};

use crate::api::parameter::{self, Kind};
use crate::route::Route;

/// Every name in braces in a path.
const IN_PATHS: [(&str, &str); 8] = [
    (
        "destination",
        "A URL, percent-encoded or as it is, or the name of a URL group. A query that is not ours belongs to it.",
    ),
    ("messageId", "The id of a message: `msg_…`."),
    ("dlqId", "The id of a dead letter."),
    ("scheduleId", "The id of a schedule."),
    (
        "idOrDestination",
        "The id of a schedule; to create one, where its messages go: a URL, percent-encoded or as it is, or the name \
         of a URL group.",
    ),
    ("queueName", "The name of a queue."),
    ("urlGroupName", "The name of a URL group."),
    ("flowControlKey", "The key."),
];

/// Headers whose names only begin with something: those to forward.
const TO_FORWARD: [(&str, &str, &str); 3] = [
    ("Upstash-Forward", "Upstash-Forward-*", "the destination"),
    ("Upstash-Callback-Forward", "Upstash-Callback-Forward-*", "the callback"),
    ("Upstash-Failure-Callback-Forward", "Upstash-Failure-Callback-Forward-*", "the failure callback"),
];

/// The parameters that a path has in braces.
pub(super) fn of_path(path: &str) -> impl Iterator<Item = Value> {
    let named = IN_PATHS.iter().filter(move |(name, _)| path.contains(&format!("{{{name}}}")));
    named.map(|(name, about)| {
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": { "type": "string" } })
    })
}

/// A query parameter.
pub(super) fn of_query(parameter: &parameter::Parameter) -> Value {
    let one = schema(parameter.kind);
    let schema = if parameter.many { json!({ "type": "array", "items": one }) } else { one };
    let mut described =
        json!({ "name": parameter.name, "in": "query", "description": parameter.about, "schema": schema });
    if parameter.is_extension {
        described["x-sigpost-extension"] = Value::Bool(true);
    }
    described
}

/// The same parameters in a JSON object, each as one value or as a list.
pub(super) fn query_as_json(route: &Route) -> Value {
    let properties = route.query_parameters().map(|parameter| {
        let one = schema(parameter.kind);
        let list = json!({ "type": "array", "items": one });
        let schema = if parameter.many { json!({ "anyOf": [one, list] }) } else { one };
        (parameter.name.to_owned(), schema)
    });
    json!({ "type": "object", "properties": Value::Object(properties.collect()), "additionalProperties": false })
}

/// Links to the `Upstash-*` headers of a publish or of a schedule.
pub(super) fn options_of(used_by: UsedBy) -> impl Iterator<Item = Value> {
    let used = PARAMETERS.iter().filter(move |known| known.used_by == UsedBy::Both || known.used_by == used_by);
    let names = used.flat_map(headers).chain(TO_FORWARD.iter().map(|(key, ..)| (*key).to_owned()));
    names.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
}

/// The `Upstash-*` headers, for `components.parameters`.
pub(super) fn options() -> Value {
    let mut all = serde_json::Map::new();
    for parameter in PARAMETERS {
        for (header, about) in headers(parameter).zip(["", "For the callback. ", "For the failure callback. "]) {
            let mut described = json!({
                "name": header,
                "in": "header",
                "description": format!("{about}{}", parameter.about),
                "schema": schema(parameter.kind),
                "example": example(parameter),
            });
            if parameter.is_extension() {
                described["x-sigpost-extension"] = Value::Bool(true);
            }
            all.insert(header, described);
        }
    }
    for (key, name, whom) in TO_FORWARD {
        let about = format!("Any header that begins like this goes to {whom}, without the beginning.");
        let described = json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } });
        all.insert(key.to_owned(), described);
    }
    Value::Object(all)
}

/// Of the message, its callback, its failure callback.
fn headers(parameter: &Parameter) -> impl Iterator<Item = String> + use<> {
    let of_callbacks = [parameter.header_of_callback(), parameter.header_of_failure_callback()];
    let of_callbacks = of_callbacks.into_iter().filter({
        let of_callbacks = parameter.of_callbacks;
        move |_| of_callbacks
    });
    std::iter::once(parameter.header()).chain(of_callbacks)
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::OneOf(values) => json!({ "type": "string", "enum": values }),
    }
}

fn example(parameter: &Parameter) -> Value {
    let text = parameter.example;
    match parameter.kind {
        Kind::Text | Kind::OneOf(_) => text.into(),
        Kind::Integer | Kind::Flag => text.parse().unwrap_or_else(|_| text.into()),
    }
}
