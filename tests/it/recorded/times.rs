//! Replaces times by relations: the event with this time, or the delay after another time.

use std::collections::HashMap;

use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// Fields with times whose relations differ between runs.
const OTHERS: &[&str] = &[
    "createdAt",
    "firstAt",
    "lastAt",
    "lastCompletedAt",
    "lastFireAt",
    "lastScheduleTime",
    "nextFireAt",
    "nextScheduleTime",
    "ratePeriodStart",
    "rotatedAt",
    "startedAt",
];

/// The times of all events that a scenario has listed.
#[derive(Default)]
pub(super) struct Times {
    /// Times by message and state, oldest first.
    of_events: HashMap<(String, String), Vec<i64>>,
    /// Times of next deliveries by message.
    planned: HashMap<String, Vec<i64>>,
}

impl Times {
    /// Adds the events of a response, in any order.
    pub(super) fn learn(&mut self, answer: &Value) {
        let Some(events) = answer.get("events").and_then(Value::as_array) else { return };
        let mut events: Vec<_> = events.iter().filter_map(Value::as_object).collect();
        events.sort_by_key(|event| number(event, "time"));
        for event in events {
            let Some((time, key)) = number(event, "time").zip(key(event)) else { continue };
            if let Some(planned) = number(event, "nextDeliveryTime") {
                push(self.planned.entry(key.0.clone()).or_default(), planned);
            }
            push(self.of_events.entry(key).or_default(), time);
        }
    }

    /// Replaces the times of an event, a message or another object.
    pub(super) fn replace(&self, object: &mut Object) {
        if object.contains_key("time") {
            self.replace_in_event(object);
        } else if object.contains_key("notBefore") {
            self.replace_in_message(object);
        } else if let Some((created, updated)) = number(object, "createdAt").zip(number(object, "updatedAt")) {
            object.insert("updatedAt".to_owned(), after("createdAt", updated - created));
        }
        for name in OTHERS {
            // 0 is the start of a period that has not started.
            if object.get(*name).is_some_and(|time| time.as_i64().is_some_and(|time| time != 0)) {
                object.insert((*name).to_owned(), "time".into());
            }
        }
    }

    fn replace_in_event(&self, event: &mut Object) {
        let Some((time, (id, state))) = number(event, "time").zip(key(event)) else { return };
        if let Some(next) = number(event, "nextDeliveryTime") {
            event.insert("nextDeliveryTime".to_owned(), after("time", next - time));
        }
        let requested = self.of_events.get(&(id.clone(), "CANCEL_REQUESTED".to_owned()));
        let place = match requested.and_then(|times| times.first()) {
            Some(requested) if state == "CANCELED" => after("CANCEL_REQUESTED 1", time - requested),
            _ => self.event_at(&id, &state, time).unwrap_or_else(|| "time".into()),
        };
        event.insert("time".to_owned(), place);
    }

    fn replace_in_message(&self, message: &mut Object) {
        let id =
            message.get("messageId").or(message.get("sourceMessageId")).and_then(Value::as_str).unwrap_or_default();
        let id = id.to_owned();
        let Some((created, not_before)) = number(message, "createdAt").zip(number(message, "notBefore")) else {
            return;
        };
        let is_planned = self.planned.get(&id).is_some_and(|planned| planned.contains(&not_before));
        // The scenario itself set a time so far in the future.
        if not_before < 4_000_000_000_000 {
            let place = if is_planned { "next delivery".into() } else { after("createdAt", not_before - created) };
            message.insert("notBefore".to_owned(), place);
        }
        if let Some(place) = self.event_at(&id, "CREATED", created) {
            message.insert("createdAt".to_owned(), place);
        }
        for attempt in message.get_mut("attempts").and_then(Value::as_array_mut).into_iter().flatten() {
            self.replace_in_attempt(&id, attempt.as_object_mut().expect("an attempt"));
        }
    }

    fn replace_in_attempt(&self, id: &str, attempt: &mut Object) {
        let state = attempt.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ended = number(attempt, "endedAt");
        if let Some((ended, next)) = ended.zip(number(attempt, "nextDeliveryTime")) {
            attempt.insert("nextDeliveryTime".to_owned(), after("endedAt", next - ended));
        }
        for (name, state) in [("startedAt", "ACTIVE"), ("endedAt", &state)] {
            if let Some(time) = number(attempt, name) {
                let place = self.event_at(id, state, time).unwrap_or_else(|| "at no event".into());
                attempt.insert(name.to_owned(), place);
            }
        }
    }

    /// Returns `ACTIVE 2` for the second ACTIVE event of the message.
    fn event_at(&self, id: &str, state: &str, time: i64) -> Option<Value> {
        let times = self.of_events.get(&(id.to_owned(), state.to_owned()))?;
        let index = times.iter().position(|known| *known == time)?;
        Some(format!("{state} {}", index + 1).into())
    }
}

fn key(event: &Object) -> Option<(String, String)> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    text("messageId").zip(text("state"))
}

fn number(object: &Object, name: &str) -> Option<i64> {
    object.get(name).and_then(Value::as_i64)
}

fn push(times: &mut Vec<i64>, time: i64) {
    if !times.contains(&time) {
        times.push(time);
    }
}

/// Returns the delay after `what` if it is the same in every run: none, the millisecond of a cancellation, or whole
/// seconds.
fn after(what: &str, ms: i64) -> Value {
    match ms {
        0 => what.into(),
        1 => format!("{what} + 1 ms").into(),
        ms if ms >= 1000 && ms % 1000 == 0 => format!("{what} + {} s", ms / 1000).into(),
        // A default retry delay is not a whole number of milliseconds.
        ms if what != "createdAt" && ms >= 1000 => format!("{what} + about {} ms", (ms + 5) / 10 * 10).into(),
        ms if ms > 0 => format!("after {what}").into(),
        _ => format!("before {what}").into(),
    }
}
