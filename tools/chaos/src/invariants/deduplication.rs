//! Publishes with one deduplication ID are one message.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::history::History;

/// The kind of load that publishes each message twice.
pub(crate) const KIND: &str = "deduplicated";

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut returned: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for publish in history.publishes.iter().filter(|publish| publish.kind == KIND) {
        returned.entry(publish.number).or_default().extend(publish.messages.iter().map(String::as_str));
    }
    let mut stored: BTreeMap<&str, usize> = BTreeMap::new();
    for message in history.messages.values().filter(|message| message.kind == KIND) {
        *stored.entry(&message.url).or_default() += 1;
    }
    let several = returned.into_iter().filter(|(_, ids)| ids.len() > 1);
    let several = several.map(|(number, ids)| format!("publishes of number {number} returned {ids:?}"));
    let repeated = stored.into_iter().filter(|(_, count)| *count > 1);
    let repeated = repeated.map(|(url, count)| format!("{count} messages for {url}"));
    several.chain(repeated).map(|details| Violation::new("deduplication", None, details)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, delivered, kinds};
    use super::{KIND, check};
    use crate::history::Publish;

    #[test]
    fn two_ids_for_one_deduplication_id_are_a_violation() {
        let mut history = delivered();
        let publish = |id: &str| Publish { kind: KIND, number: 1, messages: vec![id.to_owned()], ..Publish::default() };
        history.publishes = vec![publish("msg_1"), publish("msg_1")];
        assert_eq!(check(&history), []);
        history.publishes.push(publish("msg_2"));
        assert_eq!(kinds(&check(&history)), ["deduplication"]);
    }

    #[test]
    fn two_rows_for_one_deduplication_id_are_a_violation() {
        let mut history = delivered();
        add_delivered(&mut history, "msg_2", 100.0);
        history.messages.values_mut().for_each(|message| message.kind = KIND.to_owned());
        assert_eq!(kinds(&check(&history)), ["deduplication"]);
    }
}
