//! Queues keep their order and their parallelism, by the database's clock.
//!
//! Starts are recorded under the lock of the queue, ends at the beginning of their transaction. So a recorded end is
//! never later than the real one, and an overlap that is found is real.

use std::collections::{BTreeMap, HashMap};

use super::Violation;
use crate::history::{History, Message};
use crate::limits::{QUEUES, Queue};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut queues: BTreeMap<&str, Vec<(&str, &Message)>> = BTreeMap::new();
    for (id, message) in history.messages.iter().filter(|(_, message)| message.callback_of.is_none()) {
        if let Some(queue) = message.queue() {
            queues.entry(queue).or_default().push((id, message));
        }
    }
    let callbacks = callbacks(history);
    let acknowledged = acknowledged(history);
    let mut violations = Vec::new();
    for Queue { name: queue, parallelism } in QUEUES {
        let messages = queues.remove(queue).unwrap_or_default();
        violations.extend(slots(queue, parallelism, &messages));
        if parallelism == 1 {
            violations.extend(order(queue, &messages, &acknowledged));
            violations.extend(callbacks_first(queue, &messages, &callbacks));
        }
    }
    violations
}

/// The callbacks in a queue, with the end of each.
fn callbacks(history: &History) -> HashMap<&str, Vec<f64>> {
    let mut callbacks: HashMap<&str, Vec<f64>> = HashMap::new();
    for message in history.messages.values() {
        if let (Some(source), Some(finished)) = (&message.callback_of, message.finished) {
            callbacks.entry(source).or_default().push(finished);
        }
    }
    callbacks
}

/// When the response to the publish of a message was received.
fn acknowledged(history: &History) -> HashMap<&str, f64> {
    let publishes = history.publishes.iter().filter(|publish| !publish.is_cancellation);
    publishes.flat_map(|publish| publish.messages.iter().map(|id| (id.as_str(), publish.ended))).collect()
}

/// A message that was acknowledged before a later one started has started before it.
fn order(queue: &str, messages: &[(&str, &Message)], acknowledged: &HashMap<&str, f64>) -> Vec<Violation> {
    let mut started: Vec<(&str, f64, f64)> =
        messages.iter().filter_map(|(id, message)| Some((*id, message.created, message.first_start()?))).collect();
    started.sort_by(|one, other| one.2.total_cmp(&other.2));
    let mut violations = Vec::new();
    for (position, (id, created, start)) in started.iter().enumerate() {
        let Some(acknowledged) = acknowledged.get(id) else { continue };
        let before = started[..position].iter().rev().take_while(|(_, _, earlier)| earlier > acknowledged);
        if let Some((other, ..)) = before.into_iter().find(|(_, later_created, _)| later_created > created) {
            let details = format!("queue {queue}: {id} started after {other}, which was accepted later");
            violations.push(Violation::new("queue order", *start, details));
        }
    }
    violations
}

fn slots(queue: &str, parallelism: usize, messages: &[(&str, &Message)]) -> Vec<Violation> {
    let mut held: Vec<(f64, f64, &str)> = messages
        .iter()
        .filter_map(|(id, message)| {
            let start = message.first_start()?;
            Some((start, message.finished.unwrap_or(f64::INFINITY), *id))
        })
        .collect();
    held.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut violations = Vec::new();
    for (position, (start, _, id)) in held.iter().enumerate() {
        let others = held[..position].iter().filter(|(_, end, _)| end > start).count();
        if others >= parallelism {
            let details = format!("queue {queue}: {id} started beside {others} others, {parallelism} are allowed");
            violations.push(Violation::new("queue parallelism", *start, details));
        }
    }
    violations
}

/// The next message starts after the callbacks of the one before have ended.
fn callbacks_first(queue: &str, messages: &[(&str, &Message)], callbacks: &HashMap<&str, Vec<f64>>) -> Vec<Violation> {
    let mut started: Vec<(f64, &str)> =
        messages.iter().filter_map(|(id, message)| Some((message.first_start()?, *id))).collect();
    started.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut violations = Vec::new();
    for pair in started.windows(2) {
        let [(_, id), (next_start, next)] = pair else { continue };
        if callbacks.get(id).is_some_and(|ends| ends.iter().any(|end| end > next_start)) {
            let details = format!("queue {queue}: {next} started before a callback of {id} had ended");
            violations.push(Violation::new("queue callbacks", *next_start, details));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::sample::{add_delivered, kinds};
    use super::check;
    use crate::history::{History, Publish};

    /// Messages of queue a with these starts, each delivered 0.1 s later and accepted in this order.
    fn queued(starts: &[f64]) -> History {
        let mut history = History::default();
        for (number, start) in starts.iter().enumerate() {
            let id = format!("msg_{number}");
            add_delivered(&mut history, &id, *start);
            let message = history.messages.get_mut(&id).expect("sample");
            message.limits = vec!["queue:a".to_owned()];
            message.created = 90.0 + number as f64;
            let ended = message.created + 0.5;
            history.publishes.push(Publish { ended, messages: vec![id], ..Publish::default() });
        }
        history
    }

    #[test]
    fn one_after_the_other_is_no_violation() {
        assert_eq!(check(&queued(&[100.0, 100.2, 100.4])), []);
    }

    #[test]
    fn start_out_of_order_is_a_violation() {
        assert_eq!(kinds(&check(&queued(&[100.0, 100.4, 100.2]))), ["queue order"]);
    }

    #[test]
    fn message_that_was_not_acknowledged_yet_may_start_later() {
        let mut history = queued(&[100.0, 100.4, 100.2]);
        history.publishes[1].ended = 100.3;
        assert_eq!(check(&history), []);
    }

    #[test]
    fn start_while_another_has_the_slot_is_a_violation() {
        assert_eq!(kinds(&check(&queued(&[100.0, 100.05]))), ["queue parallelism"]);
    }

    #[test]
    fn start_before_the_end_of_a_callback_is_a_violation() {
        let mut history = queued(&[100.0, 100.2]);
        add_delivered(&mut history, "msg_callback", 100.15);
        history.messages.get_mut("msg_callback").expect("sample").callback_of = Some("msg_0".to_owned());
        assert_eq!(kinds(&check(&history)), ["queue callbacks"]);
    }
}
