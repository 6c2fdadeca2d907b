//! Parameters of operations: path parameters, query parameters and `Upstash-*` headers.

use serde_json::{Value, json};
use sigpost_qstash::options::parameters::{PARAMETERS, Parameter, UsedBy};

use crate::api::parameter::{self, Kind};
use crate::route::Route;

/// Path parameters with their descriptions.
const IN_PATHS: [(&str, &str); 8] = [
    (
        "destination",
        "A URL, percent-encoded or not, or the name of a URL group. Query parameters that this API does not define \
         belong to the URL.",
    ),
    ("messageId", "The message ID: `msg_…`."),
    ("dlqId", "The dead letter ID."),
    ("scheduleId", "The schedule ID."),
    (
        "idOrDestination",
        "The schedule ID. To create a schedule, its destination: a URL, percent-encoded or not, or the name of a URL \
         group.",
    ),
    ("queueName", "The name of a queue."),
    ("urlGroupName", "The name of a URL group."),
    ("flowControlKey", "The flow-control key."),
];

/// Header prefixes: component name, header, recipient of the forwarded headers.
const TO_FORWARD: [(&str, &str, &str); 3] = [
    ("Upstash-Forward", "Upstash-Forward-*", "the destination"),
    ("Upstash-Callback-Forward", "Upstash-Callback-Forward-*", "the callback"),
    ("Upstash-Failure-Callback-Forward", "Upstash-Failure-Callback-Forward-*", "the failure callback"),
];

/// Returns the path parameters of a path.
pub(super) fn of_path(path: &str) -> impl Iterator<Item = Value> {
    let named = IN_PATHS.iter().filter(move |(name, _)| path.contains(&format!("{{{name}}}")));
    named.map(|(name, about)| {
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": { "type": "string" } })
    })
}

/// Returns the OpenAPI object of a query parameter.
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

/// Returns the schema of a JSON body with the query parameters of a route, each a value or a list.
pub(super) fn query_as_json(route: &Route) -> Value {
    let properties = route.query_parameters().map(|parameter| {
        let one = schema(parameter.kind);
        let list = json!({ "type": "array", "items": one });
        let schema = if parameter.many { json!({ "anyOf": [one, list] }) } else { one };
        (parameter.name.to_owned(), schema)
    });
    json!({ "type": "object", "properties": Value::Object(properties.collect()), "additionalProperties": false })
}

/// Returns references to the `Upstash-*` headers of a publish or of a schedule.
pub(super) fn options_of(used_by: UsedBy) -> impl Iterator<Item = Value> {
    let used = PARAMETERS.iter().filter(move |known| known.used_by == UsedBy::Both || known.used_by == used_by);
    let names = used.flat_map(headers).chain(TO_FORWARD.iter().map(|(key, ..)| (*key).to_owned()));
    names.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
}

/// Returns the `Upstash-*` headers for `components.parameters`.
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
    for (key, name, recipient) in TO_FORWARD {
        let about = format!("A header with this prefix is forwarded to {recipient} without the prefix.");
        let described = json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } });
        all.insert(key.to_owned(), described);
    }
    Value::Object(all)
}

/// Returns the header names of a parameter: for the message, its callback and its failure callback.
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
