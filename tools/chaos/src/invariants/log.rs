//! The log agrees with the rows: final states once, retries and deliveries as counted, one dead letter per failure.

use std::collections::HashMap;

use super::Violation;
use crate::history::{History, Message};

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, message) in &history.messages {
        let problems = disagreements(message).into_iter();
        violations.extend(problems.map(|problem| Violation::new("log", message.finished, format!("{id}: {problem}"))));
    }
    violations.extend(dead_letters(history));
    violations
}

fn disagreements(message: &Message) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |state: &str, expected: usize| {
        let found = message.count(state);
        if found != expected {
            problems.push(format!("{} with {found} events {state} instead of {expected}", message.state));
        }
    };
    expect("CREATED", 1);
    expect("DELIVERED", usize::from(message.state == "delivered"));
    expect("FAILED", usize::from(message.state == "failed"));
    expect("CANCELED", usize::from(message.state == "cancelled"));
    expect("RETRY", usize::try_from(message.retried).unwrap_or(0));
    expect("ACTIVE", usize::try_from(message.deliveries).unwrap_or(0));
    expect("ERROR", message.count("RETRY") + message.count("FAILED"));
    if message.retried > message.retries {
        problems.push(format!("{} retries of {}", message.retried, message.retries));
    }
    problems
}

fn dead_letters(history: &History) -> Vec<Violation> {
    let mut letters: HashMap<&str, usize> = HashMap::new();
    history.dead_letters.iter().for_each(|id| *letters.entry(id).or_default() += 1);
    let mut violations = Vec::new();
    for (id, message) in &history.messages {
        let found = letters.remove(id.as_str()).unwrap_or(0);
        if found != usize::from(message.state == "failed") {
            let details = format!("{id} is {} with {found} dead letters", message.state);
            violations.push(Violation::new("dead letters", message.finished, details));
        }
    }
    let orphans = letters.into_keys().map(|id| Violation::new("dead letters", None, format!("{id} has no message")));
    violations.extend(orphans);
    violations
}

#[cfg(test)]
mod tests {
    use super::super::sample::{delivered, event, kinds};
    use super::check;
    use crate::history::{History, Message};

    fn changed(change: impl FnOnce(&mut Message)) -> History {
        let mut history = delivered();
        change(history.messages.get_mut("msg_1").expect("the message of the sample"));
        history
    }

    #[test]
    fn log_that_agrees_is_no_violation() {
        assert_eq!(check(&delivered()), []);
    }

    #[test]
    fn second_final_event_is_a_violation() {
        let history = changed(|message| message.events.push(event(101.0, "DELIVERED")));
        assert_eq!(kinds(&check(&history)), ["log"]);
    }

    #[test]
    fn retries_without_events_are_violations() {
        assert_eq!(kinds(&check(&changed(|message| message.retried = 1))), ["log"]);
        let more_than_allowed = changed(|message| {
            message.retries = 0;
            message.retried = 1;
            message.events.extend([event(100.1, "ERROR"), event(100.1, "RETRY")]);
        });
        assert_eq!(kinds(&check(&more_than_allowed)), ["log"]);
    }

    #[test]
    fn deliveries_without_events_are_violations() {
        assert_eq!(kinds(&check(&changed(|message| message.deliveries = 2))), ["log"]);
    }

    #[test]
    fn dead_letters_and_failures_must_agree() {
        let mut history = delivered();
        history.dead_letters = vec!["msg_1".to_owned(), "msg_2".to_owned()];
        assert_eq!(kinds(&check(&history)), ["dead letters", "dead letters"]);
    }
}
