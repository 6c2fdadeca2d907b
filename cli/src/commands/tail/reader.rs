//! Detection of new events.

use std::collections::HashMap;

use sigpost_qstash::{EventState, MessageId};

/// Maximum delay between the time of an event and its commit, in milliseconds. Each request reads this part of the
/// log again, so that it also finds events that are committed late.
pub(super) const LATE_MS: i64 = 5_000;

/// Identity of an event: time, message and state. Several events can share a key; the reader counts them.
pub(super) type Key = (i64, MessageId, EventState);

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
    pub(super) fn fresh<T>(&mut self, events: Vec<T>, key: impl Fn(&T) -> Key) -> Vec<T> {
        let mut counts: HashMap<Key, usize> = HashMap::new();
        let mut fresh = Vec::new();
        for event in events {
            let key = key(&event);
            self.newest_ms = self.newest_ms.max(key.0);
            let count = counts.entry(key).or_default();
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

#[cfg(test)]
mod tests {
    use sigpost_qstash::EventState::{Active, Canceled, Created, Delivered, Error, Failed, Retry};

    use super::*;

    fn events<const N: usize>(all: [(i64, EventState); N]) -> Vec<Key> {
        let id = "msg_1111111111111111".parse().expect("an id");
        all.map(|(time, state)| (time, id, state)).to_vec()
    }

    #[test]
    fn each_event_is_fresh_once_also_of_the_same_millisecond() {
        let mut reader = Reader::from(1_000);
        assert_eq!(reader.since_ms(), 1_000);
        assert_eq!(reader.fresh(events([(1_000, Created), (1_000, Active)]), Clone::clone).len(), 2);
        let again = [(1_000, Created), (1_000, Active), (1_000, Error), (1_000, Active)];
        assert_eq!(reader.fresh(events(again), Clone::clone), events([(1_000, Error), (1_000, Active)]));
        assert_eq!(reader.fresh(events(again), Clone::clone), events([]));
    }

    #[test]
    fn first_events_are_cut_to_the_newest_and_the_others_count_as_seen() {
        let mut reader = Reader::with_newest(1_000, 2);
        let first = [(1_000, Created), (1_000, Active), (1_000, Error)];
        assert_eq!(reader.fresh(events(first), Clone::clone), events([(1_000, Active), (1_000, Error)]));
        let next =
            [(1_000, Created), (1_000, Active), (1_000, Error), (1_000, Failed), (1_001, Retry), (1_002, Canceled)];
        assert_eq!(
            reader.fresh(events(next), Clone::clone),
            events([(1_000, Failed), (1_001, Retry), (1_002, Canceled)])
        );
    }

    #[test]
    fn what_is_committed_late_is_found_and_what_is_old_is_forgotten() {
        let mut reader = Reader::from(1_000);
        reader.fresh(events([(1_000, Created), (9_000, Delivered)]), Clone::clone);
        assert_eq!((reader.since_ms(), reader.seen.len()), (4_000, 1));
        assert_eq!(
            reader.fresh(events([(4_500, Active), (9_000, Delivered)]), Clone::clone),
            events([(4_500, Active)])
        );
        assert_eq!(Reader::from(0).since_ms(), 0);
    }
}
