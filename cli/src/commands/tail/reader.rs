//! Detection of new events.

use std::collections::HashMap;

use serde_json::Value;

/// Maximum delay between the time of an event and its commit, in milliseconds. Each request reads this part of the
/// log again, so that it also finds events that are committed late.
pub(super) const LATE_MS: i64 = 5_000;

/// Identity of an event: time, message and state. Several events can share a key; the reader counts them.
type Key = (i64, String, String);

/// Filters events that earlier requests already returned.
#[derive(Debug)]
pub(super) struct Reader {
    first_ms: i64,
    newest_ms: i64,
    seen: HashMap<Key, usize>,
    /// Limit of the first result: its newest events only.
    newest: Option<usize>,
}

impl Reader {
    /// Creates a reader that begins at this time, in Unix milliseconds.
    pub(super) fn from(first_ms: i64) -> Self {
        Self { first_ms, newest_ms: first_ms, seen: HashMap::new(), newest: None }
    }

    /// Creates a reader that begins at this time and limits the first result to the newest events: many events can
    /// share a millisecond.
    pub(super) fn with_newest(first_ms: i64, newest: usize) -> Self {
        Self { newest: Some(newest), ..Self::from(first_ms) }
    }

    /// Returns the start time of the next request.
    pub(super) fn since_ms(&self) -> i64 {
        self.first_ms.max(self.newest_ms - LATE_MS)
    }

    /// Returns, of all events from [`since_ms`](Self::since_ms) on, those that are new, in their order.
    pub(super) fn fresh(&mut self, events: Vec<Value>) -> Vec<Value> {
        let mut counts: HashMap<Key, usize> = HashMap::new();
        let mut fresh = Vec::new();
        for event in events {
            let key = key(&event);
            self.newest_ms = self.newest_ms.max(key.0);
            let count = counts.entry(key.clone()).or_default();
            *count += 1;
            if *count > self.seen.get(&key).copied().unwrap_or(0) {
                self.seen.insert(key, *count);
                fresh.push(event);
            }
        }
        let since_ms = self.since_ms();
        self.seen.retain(|(time, ..), _| *time >= since_ms);
        match self.newest.take() {
            Some(newest) => fresh.split_off(fresh.len().saturating_sub(newest)),
            None => fresh,
        }
    }
}

fn key(event: &Value) -> Key {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    (event["time"].as_i64().unwrap_or(0), text("messageId"), text("state"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn events<const N: usize>(all: [(i64, &str); N]) -> Vec<Value> {
        all.map(|(time, state)| json!({ "time": time, "messageId": "msg_1", "state": state })).to_vec()
    }

    #[test]
    fn each_event_is_fresh_once_also_of_the_same_millisecond() {
        let mut reader = Reader::from(1_000);
        assert_eq!(reader.since_ms(), 1_000);
        assert_eq!(reader.fresh(events([(1_000, "CREATED"), (1_000, "ACTIVE")])).len(), 2);
        let again = [(1_000, "CREATED"), (1_000, "ACTIVE"), (1_000, "ERROR"), (1_000, "ACTIVE")];
        assert_eq!(reader.fresh(events(again)), events([(1_000, "ERROR"), (1_000, "ACTIVE")]));
        assert_eq!(reader.fresh(events(again)), events([]));
    }

    #[test]
    fn first_events_are_cut_to_the_newest_and_the_others_count_as_seen() {
        let mut reader = Reader::with_newest(1_000, 2);
        let first = [(1_000, "CREATED"), (1_000, "ACTIVE"), (1_000, "ERROR")];
        assert_eq!(reader.fresh(events(first)), events([(1_000, "ACTIVE"), (1_000, "ERROR")]));
        let next =
            [(1_000, "CREATED"), (1_000, "ACTIVE"), (1_000, "ERROR"), (1_000, "FAILED"), (1_001, "X"), (1_002, "Y")];
        assert_eq!(reader.fresh(events(next)), events([(1_000, "FAILED"), (1_001, "X"), (1_002, "Y")]));
    }

    #[test]
    fn what_is_committed_late_is_found_and_what_is_old_is_forgotten() {
        let mut reader = Reader::from(1_000);
        reader.fresh(events([(1_000, "CREATED"), (9_000, "DELIVERED")]));
        assert_eq!((reader.since_ms(), reader.seen.len()), (4_000, 1));
        assert_eq!(reader.fresh(events([(4_500, "ACTIVE"), (9_000, "DELIVERED")])), events([(4_500, "ACTIVE")]));
        assert_eq!(Reader::from(0).since_ms(), 0);
    }
}
