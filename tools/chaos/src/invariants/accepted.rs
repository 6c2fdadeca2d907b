//! No accepted message is lost, and every message has the final state that the responses of the sink require.

use std::collections::HashSet;

use super::Violation;
use crate::history::{History, Wanted};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut violations = lost(history);
    let successful: HashSet<&str> = history
        .arrivals
        .iter()
        .filter(|arrival| arrival.status.is_some_and(|status| (200..300).contains(&status)))
        .map(|arrival| arrival.message.as_str())
        .collect();
    for (id, message) in &history.messages {
        let violation = |kind, details| Violation::new(kind, message.finished, details);
        let wanted = match message.wanted {
            Wanted::Delivered => message.state == "delivered",
            Wanted::Failed => message.state == "failed",
            Wanted::Any => true,
        };
        if !message.is_finished() {
            violations.push(violation("open", format!("{id} ({}) is still {}", message.kind, message.state)));
        } else if !wanted {
            let states: Vec<&str> = message.events.iter().map(|event| event.state.as_str()).collect();
            let details = format!("{id} ({}) is {}, events {states:?}", message.kind, message.state);
            violations.push(violation("wrong state", details));
        }
        if message.state == "delivered" && !successful.contains(id.as_str()) {
            violations.push(violation("not delivered", format!("{id} is delivered, and the sink sent no 2xx")));
        }
    }
    let left = history.leftovers.iter().filter(|(_, count)| *count > 0);
    violations.extend(left.map(|(name, count)| Violation::new("left over", None, format!("{count} {name}"))));
    violations
}

/// Checks the messages of successful publishes and cancellations.
fn lost(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    let successes =
        history.publishes.iter().filter(|one| one.status.is_some_and(|status| (200..300).contains(&status)));
    for publish in successes {
        for id in &publish.messages {
            let problem = match history.messages.get(id) {
                None => format!("{id} ({}) was accepted and is not in the database", publish.kind),
                Some(message) if publish.is_cancellation && message.state != "cancelled" => {
                    format!("{id} was cancelled and is {}", message.state)
                }
                Some(_) => continue,
            };
            violations.push(Violation::new("lost", publish.ended, problem));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::sample::{delivered, kinds};
    use super::check;
    use crate::history::{History, Publish, Wanted};

    fn message(history: &mut History) -> &mut crate::history::Message {
        history.messages.get_mut("msg_1").expect("the message of the sample")
    }

    #[test]
    fn delivered_message_is_no_violation() {
        assert_eq!(check(&delivered()), []);
    }

    #[test]
    fn accepted_message_without_a_row_is_lost() {
        let mut history = delivered();
        let publish = |id: &str| Publish { status: Some(200), messages: vec![id.to_owned()], ..Publish::default() };
        history.publishes = vec![publish("msg_1"), publish("msg_2")];
        assert_eq!(kinds(&check(&history)), ["lost"]);
    }

    #[test]
    fn cancelled_message_must_not_be_delivered() {
        let mut history = delivered();
        let messages = vec!["msg_1".to_owned()];
        history.publishes = vec![Publish { status: Some(202), messages, is_cancellation: true, ..Publish::default() }];
        assert_eq!(kinds(&check(&history)), ["lost"]);
    }

    #[test]
    fn open_and_wrong_states_are_violations() {
        let mut history = delivered();
        message(&mut history).wanted = Wanted::Failed;
        assert_eq!(kinds(&check(&history)), ["wrong state"]);
        message(&mut history).state = "active".to_owned();
        assert_eq!(kinds(&check(&history)), ["open"]);
    }

    #[test]
    fn delivered_without_a_success_at_the_sink_is_a_violation() {
        let mut history = delivered();
        history.arrivals[0].status = Some(500);
        assert_eq!(kinds(&check(&history)), ["not delivered"]);
    }

    #[test]
    fn leftover_slots_are_violations() {
        let mut history = delivered();
        history.leftovers = vec![("slots", 2), ("blocked messages", 0)];
        assert_eq!(kinds(&check(&history)), ["left over"]);
    }
}
