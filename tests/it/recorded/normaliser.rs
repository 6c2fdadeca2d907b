//! Converts responses to the form of recordings.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::names::Names;
use super::times::Times;

/// Fields with durations that depend on the time of the request.
const DURATIONS: &[&str] = &["ageSeconds", "lateSeconds", "oldestDueSeconds", "oldestSeconds"];

/// Maximum length of a text in bytes, and the length to which a longer one is truncated.
const LONGEST: usize = 2000;
const CUT: usize = 20;

/// The names, times and rows of a scenario's responses so far.
#[derive(Default)]
pub(super) struct Normaliser {
    pub(super) names: Names,
    times: Times,
    shown: HashMap<String, String>,
    labels: HashMap<String, usize>,
    /// The kind of an ID of the form `<time>-<number>` in the current exchange.
    numbered: &'static str,
}

impl Normaliser {
    /// Starts an exchange with this path. Returns the normalised path.
    pub(super) fn path(&mut self, path: &str) -> String {
        self.numbered = if path.starts_with("/v2/dlq") { "dead letter" } else { "cursor" };
        self.text(path)
    }

    /// Replaces IDs and addresses by names, truncates a long text, and removes the number of a system error.
    pub(super) fn text(&mut self, text: &str) -> String {
        if let Some((beginning, _)) = text.split_at_checked(CUT).filter(|_| text.len() > LONGEST) {
            return format!("{beginning}... of {} bytes", text.len());
        }
        let text = text.split_once(" (os error ").map_or(text, |(message, _)| message);
        self.names.replace(text, self.numbered)
    }

    /// Normalises the body of a response.
    pub(super) fn body(&mut self, body: &Value) -> Value {
        self.times.learn(body);
        self.value("", body)
    }

    fn value(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => self.object(fields),
            Value::Array(points) if name.ends_with("verTime") => sum(points),
            Value::Array(items) => items.iter().map(|item| self.value(name, item)).collect(),
            Value::String(_) if name.eq_ignore_ascii_case("date") => "<date>".into(),
            Value::String(_) if name == "requestId" => "<request>".into(),
            Value::String(text) if name == "dlqId" => self.names.replace(text, "dead letter").into(),
            Value::String(text) => self.report(text).unwrap_or_else(|| self.text(text).into()),
            Value::Number(number) if DURATIONS.contains(&name) && number.as_f64() != Some(0.0) => "<seconds>".into(),
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>) -> Value {
        let mut fields = fields.clone();
        let has_same_rows = fields.contains_key("events") && fields.get("events") == fields.get("logs");
        if has_same_rows {
            fields.insert("logs".to_owned(), "as events".into());
        }
        let is_dead_letter = fields.contains_key("dlqId") && fields.contains_key("messageId");
        let is_row = is_dead_letter || fields.contains_key("time");
        self.times.replace(&mut fields);
        let mut normalised = Map::new();
        for (name, value) in &fields {
            let value = self.value(name, value);
            normalised.insert(self.text(name), value);
        }
        if is_row { self.once(normalised) } else { normalised.into() }
    }

    /// Returns a new event or dead letter in full, a repeated one by its label.
    fn once(&mut self, mut row: Map<String, Value>) -> Value {
        let text = Value::from(row.clone()).to_string();
        if let Some(label) = self.shown.get(&text) {
            return label.clone().into();
        }
        let field = |name: &str| row.get(name).and_then(Value::as_str);
        let mut label = match field("dlqId") {
            Some(id) => id.to_owned(),
            None => {
                let [id, state, time] = ["messageId", "state", "time"].map(|name| field(name).unwrap_or("unknown"));
                format!("{id} {}", if time.starts_with(state) { time } else { state })
            }
        };
        let count = self.labels.entry(label.clone()).or_default();
        *count += 1;
        if *count > 1 {
            label = format!("{label}, version {count}");
        }
        row.insert("#".to_owned(), label.clone().into());
        self.shown.insert(text, label);
        row.into()
    }

    /// Normalises the report of a callback, as text or in base64.
    fn report(&mut self, text: &str) -> Option<Value> {
        let decoded = BASE64_STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (encoding, text) = decoded.as_deref().map_or(("text", text), |decoded| ("base64", decoded));
        let report: Map<String, Value> = serde_json::from_str(text).ok()?;
        report.contains_key("sourceMessageId").then(|| json!({ encoding: self.object(&report) }))
    }
}

/// Returns the sums over a series, because a run may cross the end of a step.
fn sum(points: &[Value]) -> Value {
    let add = |all: &mut Map<String, Value>, point: &Value| {
        for (name, value) in point.as_object().into_iter().flatten() {
            let sum = match (all.get(name), value) {
                (_, Value::String(_)) => continue,
                (Some(Value::Number(sum)), Value::Number(number)) => match sum.as_i64().zip(number.as_i64()) {
                    Some((sum, number)) => json!(sum + number),
                    None => json!(sum.as_f64().unwrap_or_default() + number.as_f64().unwrap_or_default()),
                },
                (Some(sum), Value::Null) => sum.clone(),
                (_, value) => value.clone(),
            };
            all.insert(name.clone(), sum);
        }
    };
    let mut all = Map::new();
    points.iter().for_each(|point| add(&mut all, point));
    json!({ "sum": all })
}
